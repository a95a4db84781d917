"""The LLM author: one request a class in the paper's words, every question checked and located."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client, Request, user_request
from imagewikiqa.core.records import Authorship, Choice, Draft, Evidence, Page, Reject
from imagewikiqa.core.stages import RecordError
from imagewikiqa.prompts.library import load_prompt, render
from imagewikiqa.qa.corpus.author import question_id
from imagewikiqa.qa.evidence import fold_quote, locate
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_reply import QuestionDraft, QuestionDrafts, Unfit, checked, raw_questions
from imagewikiqa.qa.naming import has_placeholder, name_question
from imagewikiqa.qa.protocols import Drafted, Subject

_RULE = "=" * 63
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_A_THIS = re.compile(r"\b(a|an|the)\s+(this object|these objects|that object)\b", re.IGNORECASE)
_FEWEST_WORDS = 2  # "Diet: bamboo" is evidence, "bamboo" is not


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorSettings:
    """What to ask for. The defaults are the paper's, but for the length of the reply."""

    questions: int = 5  # asked for in one request
    page_characters: int | None = None  # of each article shown; None shows all of it
    max_tokens: int = 4096  # a reply that needs more is cut and rejected
    temperature: float | None = None  # None is the model's own
    seed: int = 0
    prompt: str = "make_mcq_paper"

    def __post_init__(self) -> None:
        """Refuse sizes that ask for nothing."""
        for name in ("questions", "page_characters", "max_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ToolkitError(f"the LLM author's {name} is {value}: set it to 1 or more")


class LLMAuthor:
    """Asks a model through any client. The checker must know the classes it writes about."""

    name = "llm"

    def __init__(
        self, client: Client, checker: LeakChecker, settings: AuthorSettings | None = None
    ) -> None:
        self._client = client
        self._checker = checker
        self._settings = settings or AuthorSettings()
        self._prompt = load_prompt(self._settings.prompt)

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that decides a request but the subject."""
        schema = QuestionDrafts.model_json_schema()
        return digest([self._client.model, self._prompt.ref, schema, asdict(self._settings)])

    async def draft(self, subject: Subject) -> Drafted:
        """Return the usable questions of one reply, and a reject row for each other one.

        Raises RecordError when the whole reply is of no use: cut, refused, filtered, not JSON.
        """
        reply = await self._client.ask(self.request(subject))
        drafts: dict[str, Draft] = {}
        rejects: list[Reject] = []
        for number, raw in enumerate(raw_questions(reply)):
            try:
                draft = self._draft(subject, checked(raw), reply.model)
                if draft.id in drafts:
                    raise Unfit("question repeated", draft.question)
                drafts[draft.id] = draft
            except Unfit as fault:
                rejects.append(_reject(subject.entry.id, number, fault))
        return Drafted(drafts=tuple(drafts.values()), rejects=tuple(rejects))

    def request(self, subject: Subject) -> Request:
        """Return what is asked about a subject; RecordError when it has no page."""
        if not subject.pages:
            raise RecordError("no page to write from", subject.entry.name)
        settings = self._settings
        text = render(
            self._prompt,
            classname=subject.entry.name,
            articles=join_articles([_shortened(p.text, settings) for p in subject.pages]),
            questions=_how_many(settings.questions),
        )
        return user_request(
            self._client.model,
            self._prompt.ref,
            text,
            settings.max_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            json_schema=QuestionDrafts.model_json_schema(),
        )

    def _draft(self, subject: Subject, written: QuestionDraft, model: str) -> Draft:
        entry = subject.entry
        question = _A_THIS.sub(_without_article, written.question)
        if not has_placeholder(question):
            raise Unfit("no placeholder in the question", question)
        if self._checker.leaks(question, entry.id):
            raise Unfit("name leak in the question", question)
        right = written.choices[written.answer]
        wrong = [text for at, text in enumerate(written.choices) if at != written.answer]
        first, second, third, fourth = (Choice(text=text) for text in (right, *wrong))
        return Draft(
            id=question_id(entry.id, question, right),
            class_id=entry.id,
            class_name=entry.name,
            question=question,
            question_named=name_question(question, entry),
            choices=(first, second, third, fourth),
            evidence=find_evidence(subject.pages, written.reference),
            author=Authorship(
                name=self.name, model=model, prompt=self._prompt.ref, seed=self._settings.seed
            ),
        )


def join_articles(texts: Sequence[str]) -> str:
    """Return articles as the paper's notebook shows them: numbered, between lines of 63 '='."""
    blocks = [f"Article {number}: {text.strip()}" for number, text in enumerate(texts, start=1)]
    return "\n\n".join(line for block in blocks for line in (_RULE, block)) + f"\n\n{_RULE}"


def find_evidence(pages: Sequence[Page], reference: str) -> Evidence:
    """Return where a reference stands in the first page that holds it; raise Unfit if none does."""
    if len(fold_quote(reference).split()) < _FEWEST_WORDS:
        raise Unfit("evidence too short", reference)
    for page in pages:
        if span := locate(page.text, reference):
            return Evidence(
                page=page.id,
                page_id=page.page_id,
                revision_id=page.revision_id,
                url=page.url,
                quote=page.text[span[0] : span[1]],
                start=span[0],
                end=span[1],
            )
    raise Unfit("evidence not in the page", reference)


def _how_many(questions: int) -> str:
    number = _NUMBERS[questions - 1] if questions <= len(_NUMBERS) else str(questions)
    return f"{number} multiple-choice question{'s' if questions > 1 else ''}"


def _shortened(text: str, settings: AuthorSettings) -> str:
    """Cut an article at the last line end within the limit, so that no sentence is torn."""
    limit = settings.page_characters
    if limit is None or len(text) <= limit:
        return text
    end = text.rfind("\n", 0, limit)
    return text[: end if end > 0 else limit]


def _without_article(match: re.Match[str]) -> str:
    """Repair 'a this object', keeping the capital of a sentence's first word."""
    words = match[2]
    return words[0].upper() + words[1:] if match[1][0].isupper() else words


def _reject(class_id: str, number: int, fault: Unfit) -> Reject:
    return Reject(
        id=f"draft:llm:{class_id}:{number}",
        stage="draft",
        input=class_id,
        reason=fault.reason,
        detail=fault.detail,
    )
