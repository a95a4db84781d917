"""The tables of a round: subjects with their keys stay here, blind tasks go out, answers return."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from imagewikiqa.core.records import Part, Question, Record, Sha256

Kind = Literal["article", "picture", "review"]
Option = Annotated[int, Field(ge=0, le=3)]
Origin = Literal["set", "disputed", "gold"]
FLAGS: dict[Kind, dict[str, str]] = {
    "article": {
        "several_right": "More than one option is right",
        "unclear_question": "The question is unclear",
        "not_in_article": "The article does not say",
    },
    "picture": {
        "guessed": "I guessed",
        "no_picture_needed": "I would know without the picture",
        "bad_picture": "The picture is of no use",
    },
    "review": {},
}


class Subject(Record):
    """A question of a round with all that is known of it, its key included; `id` is its own."""

    origin: Origin = Field(description="the set, its disputed drafts, or a question with sure key")
    question: Question
    family: str = Field("", description="hypernym family of its class; '' for none")
    image: str | None = Field(None, description="path below the image source")
    media: str | None = Field(None, description="opaque name of a copy below media/pictures/")


class TaskSection(Part):
    """A section of the article, as raters read it."""

    title: str
    text: str


class Task(Record):
    """What one rater sees of one question: no key, no other answer; `id` is the ext_id."""

    round: str
    rater: str
    kind: Kind
    question: str
    options: tuple[str, str, str, str] = Field(description="in this rater's order")
    class_name: str | None = Field(description="None where the picture has to tell")
    sections: tuple[TaskSection, ...] = ()
    evidence: str | None = None
    media: str | None = Field(None, description="opaque name below media/pictures/")
    content: Sha256 = Field(description="of all other fields: a changed text shows")


class Assignment(Record):
    """The secret half of a task, by its ext_id: what undoes the order and the blindness."""

    rater: str
    question_id: str
    order: tuple[Option, Option, Option, Option] = Field(
        description="shown position -> index into the question's choices"
    )
    gold: bool


class Review(Part):
    """A quality review: judged without the key."""

    answerable: bool
    right: tuple[Option, ...] = Field(description="every option found right, into choices")
    wording: Literal["natural", "odd"]
    picture: Literal["yes", "no", "unsure"] | None = Field(
        None, description="does the image show the class? None without an image"
    )


class Answer(Record):
    """One rater's answer to one task, by its ext_id."""

    rater: str
    question_id: str
    kind: Kind
    gold: bool
    state: Literal["picked", "none_right", "reviewed", "skipped"]
    pick: Option | None = Field(None, description="index into choices, the shown order undone")
    shown: Option | None = Field(None, description="the position at which it was picked")
    review: Review | None = None
    flags: tuple[str, ...] = ()
    comment: str = ""
    seconds: float | None = Field(None, ge=0, description="time with the task on screen")
    account: int | None = Field(None, description="the server's id of whoever answered")
    annotation: int | None = Field(None, description="the server's id of the answer")
    by_hand: bool = Field(description="given in the page, not by a program")

    @model_validator(mode="after")
    def _holds_what_its_state_says(self) -> "Answer":
        if (self.pick is not None) != (self.state == "picked"):
            raise ValueError("an answer has a pick exactly when its state is 'picked'")
        if (self.review is not None) != (self.state == "reviewed"):
            raise ValueError("an answer has a review exactly when its state is 'reviewed'")
        return self


class Verdict(Record):
    """What people decided on a question, by its id, and the votes behind it."""

    verdict: Literal["keep", "fix", "drop", "open"] = Field(
        description="open: too few answers to decide"
    )
    reason: str = Field(description="short and countable, as in 'another option was chosen'")
    origin: Origin
    key: Option
    votes: tuple[int, int, int, int] = Field(description="answers for each of the choices")
    none_right: int = Field(0, ge=0)
    skipped: int = Field(0, ge=0)
    raters: tuple[str, ...] = Field(description="whose answers count, in order of name")
    consensus: Option | None = Field(description="the option most raters chose; None for a tie")
    flags: dict[str, int] = Field(default_factory=dict)
    comments: tuple[str, ...] = ()
    rounds: tuple[str, ...] = Field(min_length=1, description="ids of the rounds, in their order")
    bad_image: str | None = Field(
        None, description="image that a majority of reviews says does not show the class"
    )
