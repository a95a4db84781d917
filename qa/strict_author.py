"""The LLM author of mode strict: rounds of requests until enough questions pass every check."""

from dataclasses import asdict, dataclass, field
from math import ceil

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client, Request, user_request
from imagewikiqa.core.records import Authorship, Draft, Reject
from imagewikiqa.core.stages import RecordError
from imagewikiqa.prompts.library import load_prompt
from imagewikiqa.qa.audit.checks import NEGATED
from imagewikiqa.qa.audit.near import like_groups
from imagewikiqa.qa.checks import check_draft, first_failure
from imagewikiqa.qa.injection import has_address, instruction_like
from imagewikiqa.qa.kinds import KINDS, KindName
from imagewikiqa.qa.leaks import LeakChecker, fold
from imagewikiqa.qa.llm_draft import draft_reject, make_draft
from imagewikiqa.qa.llm_reply import (
    KindDrafts,
    Unfit,
    ask_uncut,
    checked,
    counts_from_one,
    kind_of,
    raw_questions,
)
from imagewikiqa.qa.protocols import Drafted, Subject
from imagewikiqa.qa.strict_prompt import strict_text

ENOUGH = "more questions than asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrictSettings:
    """How many questions a class, of which kinds, from how much of its pages."""

    per_class: int = 5  # wanted in the release
    oversample: float = 1.6  # drafts for each of them: the filter and balance drop some
    rounds: int = 3  # requests a class at most
    page_tokens: int = 6_000  # of a class's articles shown
    kinds: tuple[KindName, ...] = tuple(KINDS)
    max_tokens: int = 8_192  # of a reply, thoughts included
    temperature: float | None = None  # None is the model's own
    seed: int = 0
    prompt: str = "make_mcq_strict"

    def __post_init__(self) -> None:
        """Refuse sizes that ask for nothing."""
        for name in ("per_class", "oversample", "rounds", "page_tokens", "max_tokens"):
            if getattr(self, name) < 1:
                raise ToolkitError(f"the LLM author's {name} must be 1 or more: set it so")
        if not self.kinds:
            raise ToolkitError("the LLM author is given no kind of question: name one or more")

    @property
    def wanted(self) -> int:
        """Return how many usable drafts of a class are enough."""
        return ceil(round(self.per_class * self.oversample, 6))  # 10 x 1.1 is 11, not 12


@dataclass(slots=True)
class SoFar:
    """What was made of a class so far."""

    drafts: list[Draft] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0  # questions read, which number the rejects


class StrictAuthor:
    """Asks a model through any client. The checker must know the classes it writes about."""

    name = "llm"

    def __init__(
        self, client: Client, checker: LeakChecker, settings: StrictSettings | None = None
    ) -> None:
        self._client = client
        self._checker = checker
        self._settings = settings or StrictSettings()
        self._prompt = load_prompt(self._settings.prompt)

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that decides a request but the subject."""
        told = [(name, kind.asks, kind.cues.pattern) for name, kind in KINDS.items()]
        schema = KindDrafts.model_json_schema()
        settings = asdict(self._settings)
        return digest([self._client.model, self._prompt.ref, schema, settings, told])

    async def draft(self, subject: Subject) -> Drafted:
        """Return the usable questions of all rounds, and a reject row for each other one.

        Ends with enough questions, with a round that brings no new one, or after `rounds`. Raises
        RecordError when the first reply is of no use, and whenever the service fails; a later
        reply of no use is a reject row and ends the rounds.
        """
        so_far = SoFar()
        for number in range(self._settings.rounds):
            reply = await ask_uncut(self._client, self.request(subject, so_far))
            try:
                raws = raw_questions(reply, none_left=number > 0)
            except RecordError as error:
                if not so_far.read:
                    raise
                fault = Unfit(error.reason, error.detail)
                so_far.rejects.append(draft_reject(subject.entry.id, so_far.read, fault))
                break
            before = len(so_far.drafts)
            shifted = counts_from_one(raws)
            for raw in raws:
                self._take(subject, raw, reply.model, so_far, shifted=shifted)
            if len(so_far.drafts) in (before, self._settings.wanted):
                break
        return Drafted(drafts=tuple(so_far.drafts), rejects=tuple(so_far.rejects))

    def request(self, subject: Subject, so_far: SoFar | None = None) -> Request:
        """Return what is asked next about a subject; RecordError when it has no page."""
        if not subject.pages:
            raise RecordError("no page to write from", subject.entry.name)
        settings, done = self._settings, so_far or SoFar()
        text = strict_text(
            self._prompt,
            subject,
            questions=settings.wanted - len(done.drafts),
            page_tokens=settings.page_tokens,
            kinds=settings.kinds,
            seed=settings.seed,
            written=done.drafts,
            refused=done.rejects,
        )
        return user_request(
            self._client.model,
            self._prompt.ref,
            text,
            settings.max_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            json_schema=KindDrafts.model_json_schema(),
        )

    def _take(
        self, subject: Subject, raw: object, model: str, so_far: SoFar, *, shifted: bool
    ) -> None:
        """Add one raw question to the drafts or, with the reason, to the rejects."""
        number, so_far.read = so_far.read, so_far.read + 1
        author = Authorship(
            name=self.name,
            model=model,
            prompt=self._prompt.ref,
            seed=self._settings.seed,
            kind=kind_of(raw) or "",
        )
        try:
            written = checked(raw)
            if shifted:
                raise Unfit("answer out of range", "the answers of this reply start from 1")
            draft = make_draft(subject, written, self._checker, author)
            self._check(subject, draft)
            if any(_same_fact(draft, other) for other in so_far.drafts):
                raise Unfit("question repeated", draft.question)
            if len(so_far.drafts) == self._settings.wanted:
                raise Unfit(ENOUGH, draft.question)
            so_far.drafts.append(draft)
        except Unfit as fault:
            so_far.rejects.append(draft_reject(subject.entry.id, number, fault))

    def _check(self, subject: Subject, draft: Draft) -> None:
        """Raise Unfit for what a release would drop, and for words that no question needs."""
        shown = [draft.question, *(choice.text for choice in draft.choices)]
        if any(map(has_address, shown)):
            raise Unfit("address in the question or an option", " | ".join(shown))
        if found := next(filter(None, map(instruction_like, shown)), None):
            raise Unfit("instruction in the question or an option", found)
        if instruction_like(draft.evidence.quote):
            raise Unfit("evidence reads like an instruction", draft.evidence.quote)
        if NEGATED.search(draft.question):
            raise Unfit("negated question", draft.question)
        texts = {page.id: page.text for page in subject.pages}
        if reason := first_failure(check_draft(draft, self._checker, texts)):
            raise Unfit(reason, " | ".join(shown))


def _same_fact(one: Draft, other: Draft) -> bool:
    """Return whether two questions of a class ask for the same: like words, or answer and quote."""
    if len(like_groups([fold(one.question), fold(other.question)])[0]) > 1:
        return True
    a, b = one.evidence, other.evidence
    overlap = a.page == b.page and a.start < b.end and b.start < a.end
    return overlap and fold(one.choices[0].text) == fold(other.choices[0].text)
