"""Small invented questions, pages and rounds."""

from imagewikiqa.core.records import Authorship, Evidence, Page, Question, Section
from imagewikiqa.qa.rounds.plan import Rater, RoundPlan
from imagewikiqa.qa.rounds.records import Kind, Origin, Subject

QUOTE = "Tigers eat deer."
TEXT = f"The tiger is a cat.\n\n{QUOTE} They swim well."
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "[click](javascript:alert(3))",
    "javascript:alert(4)",
    "long" * 2_500,
    "left \u202eright to left\u202c again",
    "שלום عليكم",
    "=HYPERLINK(\"http://x\")",
    "{{7*7}} ${7*7} $class_name",
)  # fmt: skip


def page() -> Page:
    """Return an article of two sections."""
    cut = TEXT.index("\n\n")
    return Page(
        id="en:1@2", class_ids=("n1",), title="Tiger", page_id=1, revision_id=2,
        revision_timestamp=None, url="https://en.wikipedia.org/w/index.php?oldid=2",
        license="CC-BY-SA-4.0", text=TEXT,
        sections=(
            Section(path=(), start=0, end=cut),
            Section(path=("Behaviour", "Diet"), start=cut, end=len(TEXT)),
        ),
        facts={}, source="made", sha256="0" * 64,
    )  # fmt: skip


def question(
    at: int = 0, *, class_id: str = "n1", name: str = "tiger", asked: str = "What does it eat?",
    choices: tuple[str, str, str, str] = ("deer", "grass", "fish", "stones"), answer: int = 0,
) -> Question:  # fmt: skip
    """Return a question about the page."""
    start = TEXT.index(QUOTE)
    return Question(
        id=f"{class_id}:{at}", class_id=class_id, class_name=name, question=asked,
        question_named=asked, choices=choices, answer=answer,
        evidence=Evidence(
            page="en:1@2", page_id=1, revision_id=2, url="https://x.org", quote=QUOTE,
            start=start, end=start + len(QUOTE),
        ),
        author=Authorship(name="corpus", model="none", prompt="forms@0", seed=0, form="diet"),
        checks={}, judge=None, choice_class_ids=(None, None, None, None),
    )  # fmt: skip


def subject(
    at: int = 0, *, origin: Origin = "set", family: str = "", media: str | None = None,
    **fields: object,
) -> Subject:  # fmt: skip
    """Return a subject; `fields` are those of `question`."""
    made = question(at, **fields)  # type: ignore[arg-type]
    return Subject(id=made.id, origin=origin, question=made, family=family, media=media)


def plan(kind: Kind = "article", raters: int = 3, overlap: int = 2) -> RoundPlan:
    """Return a plan."""
    return RoundPlan(
        round="0123456789ab", kind=kind, overlap=overlap, seed=0,
        raters=tuple(Rater(name=f"rater-{at}") for at in range(raters)),
    )  # fmt: skip
