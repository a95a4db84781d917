"""The pages raters answer on, as Label Studio's labelling config: no text of a task is in them."""

from importlib import resources
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from imagewikiqa.qa.rounds.records import FLAGS, Kind

ANSWER = "answer"
FLAG = "flags"
COMMENT = "comment"
ANSWERABLE = "answerable"
RIGHT = "right"
WORDING = "wording"
PICTURE = "picture"
_TO = "question"  # the object that every control belongs to
# Control -> what is asked, and the stored value -> the words of each choice.
REVIEW: dict[str, tuple[str, dict[str, str]]] = {
    ANSWERABLE: (
        "Can the question be answered from the article?",
        {"yes": "Yes", "no": "No"},
    ),
    WORDING: (
        "Does the wording sound natural?",
        {"natural": "Natural", "odd": "Odd or wrong"},
    ),
    PICTURE: (
        "Does the picture show what the name says?",
        {"yes": "Yes", "no": "No", "unsure": "Cannot tell"},
    ),
}
INSTRUCTIONS: dict[Kind, str] = {
    "article": (
        "Pick the option that answers the question about the thing named at the top. Open the"
        " sections of its article where you need them. Please do not look anywhere else and do"
        " not talk about the questions with other raters. If no option is right, say so; the"
        " boxes below are for anything wrong with the question."
    ),
    "picture": (
        "Look at the picture and pick the option that answers the question. Please do not look"
        " anything up. If you do not know, pick what seems most likely and mark that you guessed."
    ),
    "review": (
        "Read the question and the article of the thing named at the top. Tick every option"
        " that is right, none if none is, and judge the question itself."
    ),
}


def label_config(kind: Kind, with_image: bool) -> str:
    """Return the labelling config of a kind of task as XML."""
    page = Element("View", className="iwq")
    SubElement(page, "Style").text = _style()
    if kind != "picture":
        _named(page)
    if with_image and kind != "article":
        box = SubElement(page, "View", className="iwq-image")
        SubElement(box, "Image", name="image", value="$image", zoom="true", maxWidth="480px")
    box = SubElement(page, "View", className="iwq-question")
    SubElement(box, "Text", name=_TO, value="$question", valueType="text", selectionEnabled="false")
    if kind == "review":
        _review(page, with_image)
    else:
        _choices(page, ANSWER, {}, value="$choices", choice="single-radio", required="true",
                 requiredMessage="Please pick one option first.")  # fmt: skip
    if kind != "picture":
        _article(page)
    if FLAGS[kind]:
        _heading(page, "Anything wrong? (optional)" if kind == "article" else "Optional")
        _choices(page, FLAG, FLAGS[kind], choice="multiple")
    SubElement(
        page, "TextArea", name=COMMENT, toName=_TO, rows="2", maxSubmissions="1", editable="true",
        showSubmitButton="false", placeholder="A remark, if you like",
    )  # fmt: skip
    indent(page)
    return tostring(page, encoding="unicode") + "\n"


def _style() -> str:
    place = resources.files("imagewikiqa.qa.rounds") / "rater.css"
    return place.read_text(encoding="utf-8")


def _named(page: Element) -> None:
    box = SubElement(page, "View", className="iwq-name")
    SubElement(box, "Header", value="$class_name", size="3")


def _review(page: Element, with_image: bool) -> None:
    _heading(page, "Which options are right?")
    _choices(page, RIGHT, {}, value="$choices", choice="multiple")
    for name, (asked, values) in REVIEW.items():
        if name != PICTURE or with_image:
            _heading(page, asked)
            _choices(page, name, values, choice="single-radio", required="true",
                     requiredMessage=f"Please answer first: {asked}")  # fmt: skip


def _article(page: Element) -> None:
    box = SubElement(page, "View", className="iwq-article")
    _heading(box, "Its article")
    every = SubElement(box, "Repeater", on="$sections", indexFlag="{{idx}}")
    _folded(every, "$sections[{{idx}}].title", "section_{{idx}}", "$sections[{{idx}}].text")
    _folded(box, "Show the sentence the question was made from", "evidence", "$evidence")


def _folded(parent: Element, title: str, name: str, value: str) -> None:
    panel = SubElement(SubElement(parent, "Collapse"), "Panel", value=title)
    SubElement(panel, "Text", name=name, value=value, valueType="text", selectionEnabled="false")


def _heading(parent: Element, text: str) -> None:
    SubElement(parent, "Header", value=text, size="5")


def _choices(parent: Element, name: str, values: dict[str, str], **attributes: str) -> None:
    box = SubElement(parent, "View", className=f"iwq-{name}")
    control = SubElement(box, "Choices", {"name": name, "toName": _TO, **attributes})
    for alias, text in values.items():
        SubElement(control, "Choice", value=text, alias=alias)
