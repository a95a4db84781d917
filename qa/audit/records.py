"""What the auditor reads and what it says: rows, questions, findings, the summary, the report."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.records import Part

Verdict = Literal["ok", "look", "leak", "not checked"]
Count = int | None  # None: not checked, for want of pages, labels, names or a column


class AuditRow(Part):
    """One row of any multiple-choice file, in one shape."""

    row: int = Field(description="line of a JSON lines file, else number of the data row; from 1")
    question_id: str | None = None
    class_id: str | None = None
    class_name: str | None = None
    question: str = Field(min_length=1)
    choices: tuple[str, ...] = Field(min_length=2, max_length=26)
    answer: int = Field(ge=0)
    image: str | None = Field(None, description="path, or digest where the file holds pixels")
    evidence: str | None = None
    evidence_page: str | None = Field(None, description="id of the page record, when given")
    evidence_start: int | None = None
    evidence_url: str | None = None

    @property
    def class_key(self) -> str | None:
        """Return what tells classes apart: the id, else the name."""
        return self.class_id or self.class_name


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuestion:
    """Rows that share class, question text and option set; the first row speaks for all."""

    rows: tuple[AuditRow, ...]
    class_id: str  # what intervals are clustered by; a question of no class stands alone
    names: tuple[str, ...]  # the class name, empty when the file has none
    synonyms: tuple[str, ...] | None  # None when the class list does not know the class

    @property
    def first(self) -> AuditRow:
        """Return the row that speaks for the question."""
        return self.rows[0]

    @property
    def question(self) -> str:
        """Return the text of the question."""
        return self.first.question

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the options in the order of the first row."""
        return self.first.choices

    @property
    def answer(self) -> int:
        """Return the index of the right option."""
        return self.first.answer

    @property
    def right(self) -> str:
        """Return the text of the right option."""
        return self.choices[self.answer]


class Finding(Part):
    """One thing to look at, and where it is."""

    row: int
    question_id: str | None
    check: str
    detail: str


class Accuracy(Part):
    """How often a rule is right over questions, with a 95% interval clustered by class."""

    accuracy: float
    low: float
    high: float
    n: int
    chance: float

    @classmethod
    def of(cls, interval: Interval, chance: float) -> "Accuracy":
        """Return an interval under the names of the contract, beside chance."""
        estimate, low, high = interval.estimate, interval.low, interval.high
        return cls(accuracy=estimate, low=low, high=high, n=interval.n, chance=chance)

    @property
    def verdict(self) -> Verdict:
        """Return "ok" when chance lies within the interval: below chance is a leak too."""
        return "ok" if self.low <= self.chance <= self.high else "leak"


class AuditSummary(Part):
    """The figures of an audit (contracts: Auditor). Counts are of questions unless named."""

    file: str = Field(description="name of the file, without its folder")
    sha256: str
    layout: str
    class_column: str | None = Field(description="the column taken for the class")
    rows: int
    unreadable_rows: int
    questions: int
    classes: int
    images: int
    images_shared_by_questions: int = Field(description="images used by two questions or more")
    images_per_question: dict[str, int] = Field(description="number of images -> questions")
    letters: dict[str, int] = Field(description="right letters over rows")
    letters_questions: dict[str, int] = Field(description="right letters over questions")
    max_frequency_rows: float
    max_frequency_questions: float
    letters_p: float = Field(description="chi-squared p that all letters are equally likely")
    longest_option: Accuracy
    shortest_option: Accuracy
    surface_model: Accuracy
    name_in_question: Count
    name_in_choice: Count
    name_in_answer: Count
    synonym_in_question: Count
    synonym_in_choice: Count
    synonym_in_answer: Count
    name_word_in_question: Count
    negated: int
    all_or_none: int
    placeholder_missing: int
    duplicate_choices: int
    conflicting_answers: int = Field(description="questions with two right options over their rows")
    duplicate_rows: int = Field(description="rows that repeat a question and its image")
    items_and_questions_disagree: Count = Field(description="only for a run folder")
    choices_read_as_missing: Count = Field(description="options that pandas reads as no value")
    near_duplicate_pairs_across_classes: int = Field(description="pairs with like question texts")
    near_duplicate_pairs_within_class: int
    like_questions_and_choices_across_classes: int = Field(description="pairs, options included")
    evidence_missing: Count
    evidence_shared_across_classes: Count = Field(description="evidence texts, not questions")
    evidence_shared_questions: Count = Field(description="questions that cite such a text")
    evidence_without_answer: Count = Field(description="no content word of the right option")
    evidence_not_in_page: Count
    wrong_or_disputed_images: Count = Field(description="rows: ReaL is empty or lacks the class")
    images_without_valid_label: Count = Field(description="rows whose ReaL list is empty")
    images_checked: Count = Field(description="rows whose image and class ReaL could be asked for")
    in_other_set: Count = Field(None, description="questions that --against holds already")
    verdicts: dict[str, Verdict]


class Example(Part):
    """A flagged question to show in the report."""

    row: AuditRow
    checks: tuple[str, ...]


class AuditReport(Part):
    """The summary, and every finding behind it."""

    summary: AuditSummary
    findings: tuple[Finding, ...]
    examples: tuple[Example, ...]
