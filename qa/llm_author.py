"""The LLM author: one request a class in the paper's words, every question checked and located."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client, Request, user_request
from imagewikiqa.core.records import Authorship, Draft, Reject
from imagewikiqa.core.stages import RecordError
from imagewikiqa.prompts.library import load_prompt, render
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_draft import draft_reject, make_draft
from imagewikiqa.qa.llm_reply import QuestionDrafts, Unfit, ask_uncut, checked, raw_questions
from imagewikiqa.qa.protocols import Drafted, Subject

_RULE = "=" * 63
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorSettings:
    """What to ask for. The defaults are the paper's, but for the length of the reply."""

    questions: int = 5  # asked for in one request
    page_characters: int | None = None  # of each article shown; None shows all of it
    max_tokens: int = 4096  # thoughts included; a reply that needs more is asked for once more
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
        reply = await ask_uncut(self._client, self.request(subject))
        drafts: dict[str, Draft] = {}
        rejects: list[Reject] = []
        for number, raw in enumerate(raw_questions(reply)):
            try:
                author = self._authorship(reply.model)
                draft = make_draft(subject, checked(raw), self._checker, author)
                if draft.id in drafts:
                    raise Unfit("question repeated", draft.question)
                drafts[draft.id] = draft
            except Unfit as fault:
                rejects.append(draft_reject(subject.entry.id, number, fault))
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
            questions=how_many(settings.questions),
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

    def _authorship(self, model: str) -> Authorship:
        return Authorship(
            name=self.name, model=model, prompt=self._prompt.ref, seed=self._settings.seed
        )


def join_articles(texts: Sequence[str]) -> str:
    """Return articles as the paper's notebook shows them: numbered, between lines of 63 '='."""
    blocks = [f"Article {number}: {text.strip()}" for number, text in enumerate(texts, start=1)]
    return "\n\n".join(line for block in blocks for line in (_RULE, block)) + f"\n\n{_RULE}"


def how_many(questions: int) -> str:
    """Return a number of multiple-choice questions in words."""
    number = _NUMBERS[questions - 1] if questions <= len(_NUMBERS) else str(questions)
    return f"{number} multiple-choice question{'s' if questions > 1 else ''}"


def _shortened(text: str, settings: AuthorSettings) -> str:
    """Cut an article at the last line end within the limit, so that no sentence is torn."""
    limit = settings.page_characters
    if limit is None or len(text) <= limit:
        return text
    end = text.rfind("\n", 0, limit)
    return text[: end if end > 0 else limit]
