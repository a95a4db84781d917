"""The records that touch disk: frozen, closed, versioned; `core.schemas` publishes them."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Letter = Literal["A", "B", "C", "D"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
LETTERS: tuple[Letter, ...] = ("A", "B", "C", "D")


class Part(BaseModel):
    """A closed, immutable piece of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Record(Part):
    """One line of a table: immutable, closed, addressable by `id`."""

    VERSION: ClassVar[int] = 1
    id: str = Field(min_length=1)


class ClassEntry(Record):
    """A class to ask about; `id` is the wnid for ImageNet, else the list's own id."""

    name: str = Field(min_length=1, description="display name, distinct within its list")
    synonyms: tuple[str, ...] = ()
    definition: str = ""
    hypernyms: tuple[str, ...] = Field((), description="from the nearest to the root")
    title: str | None = Field(
        None, description="Wikipedia article title, when known; several stand between bars"
    )
    index: int | None = Field(None, ge=0, description="position in the model's label order")
    number: Literal["count", "mass", "plural"] = Field(
        "count", description="grammar of the name: a tiger, guacamole, sunglasses"
    )

    @property
    def titles(self) -> tuple[str, ...]:
        """Return every article title of the class; "|", which no title may hold, parts them."""
        return tuple(part.strip() for part in (self.title or "").split("|") if part.strip())


class Section(Part):
    """A span of a page's text, in code points; the lead has the empty path."""

    path: tuple[str, ...]
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Page(Record):
    """One revision of one article as clean text; `text[start:end]` addresses evidence."""

    class_ids: tuple[str, ...]
    title: str
    page_id: int | None
    revision_id: int | None
    revision_timestamp: str | None
    url: str
    language: str = "en"
    license: str
    text: str = Field(description="lead, sections, then an Infobox block of 'field: value' lines")
    sections: tuple[Section, ...]
    facts: dict[str, str] = Field(description="infobox and taxobox fields as clean text")
    source: str = Field(description="where the wikitext came from, without host paths")
    sha256: Sha256 = Field(description="of the raw wikitext as UTF-8")


class Evidence(Part):
    """A verbatim quote and where it stands: `quote == page.text[start:end]` in code points."""

    page: str = Field(description="id of the page record")
    page_id: int | None
    revision_id: int | None
    url: str
    quote: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Authorship(Part):
    """Who wrote a question, and with which words and seed."""

    name: str
    model: str = Field(description="model that answered; 'none' for the corpus author")
    prompt: str = Field(description="template and digest, as in 'make_mcq@9f2c41d07a3e'")
    seed: int
    form: str = Field("", description="question form of the corpus author; empty for an LLM")
    kind: str = Field("", description="kind of question that an LLM was asked for; else empty")
    repairs: int = Field(0, ge=0, description="times that its wrong options were written anew")


class Choice(Part):
    """One option and the page it was taken from (None when an LLM invented it)."""

    text: str = Field(min_length=1)
    class_id: str | None = None


class Trial(Part):
    """One call to a judge: an order of the options and what came back."""

    order: tuple[int, int, int, int] = Field(description="shown position -> index into choices")
    state: Literal["answered", "ambiguous", "refused", "empty"]
    pick: Annotated[int, Field(ge=0, le=3)] | None = Field(description="index into choices")

    @model_validator(mode="after")
    def _pick_only_when_answered(self) -> "Trial":
        if (self.pick is not None) != (self.state == "answered"):
            raise ValueError("a trial has a pick exactly when its state is 'answered'")
        return self


class JudgeScore(Part):
    """Rate of right answers over the trials asked; an unparsed trial is never right.

    A filter that stops early asks the more the closer a question is to its threshold: rates over
    many questions are read from the first round of four picks, or from the first picks alone.
    """

    judge: str
    right: int = Field(ge=0)
    trials: int = Field(ge=1)
    unparsed: int = Field(ge=0)
    picks: tuple[int | None, ...] = Field(description="index into choices, per trial, in order")

    @property
    def rate(self) -> float:
        """Return right / trials."""
        return self.right / self.trials


class Judgement(Part):
    """The paper's two conditions (section 4.2) and a third, closed-book one."""

    with_name: JudgeScore
    without_name: JudgeScore
    closed_book: JudgeScore | None = Field(
        None, description="cross-class statistics alone: no page, no name"
    )


class Draft(Record):
    """A question as its author wrote it: the right option first in `choices`."""

    class_id: str
    class_name: str
    question: str = Field(description="says 'this object'")
    question_named: str = Field(description="the same with the class name, grammatical")
    choices: tuple[Choice, Choice, Choice, Choice] = Field(description="the right one is first")
    evidence: Evidence
    author: Authorship


class Judged(Record):
    """A draft's verdict: kept or not, why, and the trials behind it."""

    keep: bool
    reason: str
    judges: tuple[Judgement, ...] = Field(
        min_length=1, description="one per judge, in the order asked; all must agree to keep"
    )
    skipped: int = Field(
        0, ge=0, description="trials of all judges' grids not asked, as they could decide nothing"
    )


class OpinionVote(Part):
    """One reply of a judge that sees the evidence."""

    order: tuple[int, int, int, int] = Field(description="shown position -> index into choices")
    supported: tuple[Annotated[int, Field(ge=0, le=3)], ...] | None = Field(
        description="indices into choices that the evidence supports; None for no readable reply"
    )
    note: str


class Opinion(Record):
    """A second opinion on a draft's key, by the draft's id: is exactly the key supported?"""

    verdict: Literal["supported", "disputed", "unclear"]
    judge: str
    prompt: str = Field(description="template and digest, as in 'check_evidence@9f2c41d07a3e'")
    votes: tuple[OpinionVote, ...] = Field(min_length=1)


class Disputed(Record):
    """A draft that the filter kept and the second opinion did not: a person looks at it first."""

    draft: Draft
    reason: str
    opinion: Opinion | None = Field(description="None when the model could not be asked")


class Repaired(Record):
    """What became of a guessed draft, by its id: new wrong options, judged again."""

    draft: Draft
    judged: Judged | None = Field(description="of the last options that could be used")
    tries: tuple[str, ...] = Field(min_length=1, description="verdict or fault, by round")

    @property
    def kept(self) -> bool:
        """Return whether the new options passed."""
        return self.judged is not None and self.judged.keep


class HumanVotes(Part):
    """What people said of a question, by the letters it shows."""

    verdict: Literal["keep", "fix", "drop", "open"]
    votes: tuple[int, int, int, int] = Field(
        description="answers for each of the choices; of a fixed question, as it was when asked"
    )
    none_right: int = Field(0, ge=0)
    raters: int = Field(ge=0, description="people whose answers count")
    rounds: tuple[str, ...] = Field(description="ids of the rounds")


class Question(Record):
    """A released question (contracts: questions.jsonl)."""

    class_id: str
    class_name: str
    question: str
    question_named: str
    choices: tuple[str, str, str, str]
    answer: Annotated[int, Field(ge=0, le=3)]
    evidence: Evidence
    author: Authorship
    checks: dict[str, bool]
    judge: Judgement | None
    choice_class_ids: tuple[str | None, str | None, str | None, str | None] = Field(
        description="whose page each option came from; None when a model invented it"
    )
    split: str | None = Field(None, description="by class; None for a set without splits")
    human: HumanVotes | None = Field(None, description="None when no person was asked")


class ImageRef(Record):
    """One image that may illustrate a class; `id` is its path below the image source."""

    class_id: str
    sha256: Sha256 | None = None


class Caption(Record):
    """A caption of one image that names its class, for caption-style training mixes."""

    class_id: str
    class_name: str
    image: str = Field(description="path below the image source")
    image_sha256: Sha256
    caption: str = Field(min_length=1, description="one line; names the class at word bounds")
    attempts: int = Field(ge=1, description="replies asked for until one passed the checks")
    author: Authorship


class Item(Part):
    """One question with one image (contracts: items.jsonl)."""

    VERSION: ClassVar[int] = 1
    item_id: str
    question_id: str
    class_id: str
    image: str | None = Field(description="path below the image source; None without images")
    image_sha256: Sha256 | None = None
    question: str
    choices: tuple[str, str, str, str]
    answer: Annotated[int, Field(ge=0, le=3)]
    letter: Letter
    split: str | None = Field(None, description="that of the question")

    @property
    def id(self) -> str:
        """Return item_id: tables address every row by `id`."""
        return self.item_id

    @model_validator(mode="after")
    def _letter_is_the_answer(self) -> "Item":
        if LETTERS[self.answer] != self.letter:
            raise ValueError("an item's letter is the letter of its answer")
        return self


class Reject(Record):
    """A record that was dropped: which stage, which input, why."""

    stage: str
    input: str = Field(description="id of the input record")
    reason: str = Field(description="short and countable, as in 'name leak'")
    detail: str = ""
