"""The run report counts right, escapes everything, loads nothing, and is the same twice."""

import re
from base64 import b64decode
from collections.abc import Sequence
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagewikiqa.core.records import Item, Judged, Page, Question, Reject
from imagewikiqa.core.report.thumbnails import SIDE, thumbnail
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.audit import AuditSummary, audit
from imagewikiqa.qa.run_examples import examples
from imagewikiqa.qa.run_facts import (
    RunFacts,
    flat,
    judge_rates,
    length_ranks,
    letter_counts,
    pages_without_question,
    reasons,
)
from imagewikiqa.qa.run_report import write_report
from imagewikiqa.qa.run_view import text_context

DATA = Path(__file__).parents[1] / "data" / "export"
QUESTIONS = tuple(read_table(DATA / "questions.jsonl", Question))
ITEMS = tuple(read_table(DATA / "items.jsonl", Item))
PAGES = tuple(read_table(DATA / "pages.jsonl", Page))
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}|`[x](javascript:y)"


def judged(keep: bool, name: str, reason: str = "kept") -> Judged:
    judge = QUESTIONS[0].judge
    assert judge is not None
    return Judged(id=name, keep=keep, reason=reason, judges=(judge,))


def reject(stage: str, name: str, reason: str) -> Reject:
    return Reject(id=f"{stage}:{name}", stage=stage, input=name, reason=reason)


JUDGED = (*(judged(True, q.id) for q in QUESTIONS), judged(True, "d1"), judged(False, "d2", "no"))
REJECTS = (
    reject("assemble", "d1", "near duplicate"),
    reject("filter", "d2", "guessable without the name"),
    reject("filter", "d3", "guessable without the name"),
    reject("filter", "d4", "a rarer reason"),
    reject("pages", "p1", "disambiguation page"),
)


def facts(**changes: Any) -> RunFacts:
    given: dict[str, Any] = {
        "title": "A run",
        "questions": QUESTIONS,
        "items": ITEMS,
        "pages": PAGES,
        "rejects": REJECTS,
        "drafts_count": 20,
        "judged": JUDGED,
        "lineage": {"settings": {"seed": 0, "mode": "strict"}, "models": ["none"]},
        "audit": None,
    }
    return RunFacts(**{**given, **changes})


def write(folder: Path, **changes: Any) -> tuple[str, str]:
    """Write a report; return its page and its plain text."""
    given = {name: getattr(facts(), name) for name in RunFacts.__dataclass_fields__}
    given["audit_summary"] = given.pop("audit")
    write_report(folder, **{**given, **changes})
    return (folder / "report.html").read_text("utf-8"), (folder / "report.md").read_text("utf-8")


class Reader(HTMLParser):
    """Collect the tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [
            attrs[attribute] or ""
            for name, attrs in self.tags
            if name == tag and attribute in attrs
        ]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> AuditSummary:
    folder = tmp_path_factory.mktemp("run")
    write_table(folder / "questions.jsonl", QUESTIONS)
    write_table(folder / "items.jsonl", ITEMS)
    write_table(folder / "pages.jsonl", PAGES)
    return audit(folder).summary


def test_the_first_screen_says_how_many_how_balanced_and_how_guessable(
    summary: AuditSummary,
) -> None:
    tiles: Any = text_context(facts(audit=summary))["tiles"]
    shown = {tile["label"]: (tile["value"], tile.get("verdict")) for tile in tiles}
    assert len(tiles) == 6
    assert shown["Questions"] == ("12", None)
    assert shown["Classes with questions"] == ("4", None)
    assert shown["Right letters differ by"] == ("0", "ok")
    assert shown["Self-consistency of the corpus judge"] == ("100.0%", None)
    assert "Longest option is right" in shown
    assert "Audit checks passed" in shown


def test_uneven_letters_are_to_be_looked_at() -> None:
    tiles: Any = text_context(facts(questions=QUESTIONS[::4]))["tiles"]
    assert next(t for t in tiles if t["label"].startswith("Right letters"))["verdict"] == "look"


def test_the_corpus_judge_is_never_called_accurate() -> None:
    context = text_context(facts())
    assert context["self_judged"]
    assert "accuracy" not in str(context["tiles"]).casefold().replace("no accuracy", "")


def test_the_funnel_goes_from_drafts_over_kept_to_the_set() -> None:
    steps: Any = text_context(facts())["steps"]
    assert [(step["label"], step["count"]) for step in steps] == [
        ("Drafts written", 20), ("Kept by the filter", 13), ("In the set", 12),
    ]  # fmt: skip


def test_reasons_come_in_the_order_of_work_then_by_count() -> None:
    assert reasons(facts()) == [
        ("pages", "disambiguation page", 1),
        ("filter", "guessable without the name", 2),
        ("filter", "a rarer reason", 1),
        ("assemble", "near duplicate", 1),
    ]


def test_length_ranks_share_ties_and_add_up_to_one() -> None:
    def asked(choices: Sequence[str], answer: int) -> Question:
        return QUESTIONS[0].model_copy(update={"choices": tuple(choices), "answer": answer})

    assert length_ranks(facts(questions=[asked(["aaaa", "bbb", "cc", "d"], 0)])) == (1, 0, 0, 0)
    assert length_ranks(facts(questions=[asked(["a", "bbb", "cc", "d"], 0)])) == (0, 0, 0.5, 0.5)
    assert length_ranks(facts(questions=[asked(["aa", "bb", "cc", "dd"], 3)])) == (0.25,) * 4
    assert sum(length_ranks(facts())) == pytest.approx(1)
    assert length_ranks(facts(questions=[])) == (0, 0, 0, 0)


def test_judges_are_read_from_the_verdicts_else_from_the_questions() -> None:
    stored = judge_rates(facts(judged=()))
    assert stored["corpus"]["with_name"].estimate == 1
    assert stored["corpus"]["without_name"].n == 12
    other = QUESTIONS[0].judge
    assert other is not None
    renamed = other.with_name.model_copy(update={"judge": "openai:x", "right": 2})
    second = other.model_copy(update={"with_name": renamed, "closed_book": None})
    verdicts = [JUDGED[0].model_copy(update={"judges": (other, second)}), *JUDGED[1:]]
    rates = judge_rates(facts(judged=verdicts))
    assert (rates["openai:x"]["with_name"].estimate, rates["openai:x"]["with_name"].n) == (0.5, 1)
    assert "closed_book" not in rates["openai:x"]


def test_pages_whose_classes_got_no_question_are_named() -> None:
    left = [question for question in QUESTIONS if question.class_name != "banjo"]
    assert [page.title for page in pages_without_question(facts(questions=left))] == ["Banjo"]
    assert pages_without_question(facts()) == []


def test_nested_settings_become_rows() -> None:
    nested = {"b": {"y": None, "x": [1, 2]}, "a": [{"stage": "draft", "rows": 3}]}
    assert flat(nested) == [("a", "stage draft, rows 3"), ("b.x", "1, 2"), ("b.y", "")]


def test_two_writes_are_byte_identical_and_every_plot_is_a_file(
    tmp_path: Path, summary: AuditSummary
) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, audit_summary=summary.model_dump(mode="json"))
    files = sorted(f.relative_to(tmp_path / "a") for f in (tmp_path / "a").rglob("*.*"))
    plots = ["forms", "guessing", "lengths", "letters", "per_class"]
    expected = [*(f"plots/{name}.svg" for name in plots), "report.html", "report.md"]
    assert [file.as_posix() for file in files] == expected
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_page_loads_nothing_and_links_only_the_run_and_the_web(
    tmp_path: Path, summary: AuditSummary
) -> None:
    page = Reader(write(tmp_path, audit_summary=summary)[0])
    assert not page.values("script", "src")
    assert not page.values("link", "href")
    assert not page.values("img", "src")
    links = page.values("a", "href")
    assert "audit/report.html" in links
    assert "hub/README.md" in links
    relative = [link for link in links if not link.startswith(("#", "https://en.wikipedia.org/"))]
    assert all(re.fullmatch(r"[a-zA-Z]+[a-zA-Z/.]*", link) for link in relative)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_user_text_is_shown_and_never_becomes_markup(tmp_path: Path) -> None:
    questions = [
        question.model_copy(
            update={
                "class_name": HOSTILE,
                "question": HOSTILE,
                "question_named": HOSTILE,
                "choices": (HOSTILE,) * 4,
                "evidence": question.evidence.model_copy(
                    update={"quote": HOSTILE, "url": "javascript:alert(1)"}
                ),
                "author": question.author.model_copy(update={"form": HOSTILE}),
            }
        )
        for question in QUESTIONS
    ]
    pages = [p.model_copy(update={"title": HOSTILE, "license": HOSTILE}) for p in PAGES]
    unused = PAGES[0].model_copy(update={"id": "x", "class_ids": ("none",), "title": HOSTILE})
    items = [item.model_copy(update={"image": HOSTILE}) for item in ITEMS]
    page, text = write(
        tmp_path,
        title=HOSTILE,
        questions=questions,
        pages=[*pages, unused],
        items=items,
        rejects=[reject(HOSTILE, "x", HOSTILE)],
        lineage={HOSTILE: [HOSTILE]},
        images_root=tmp_path,
    )
    reader = Reader(page)
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "img", "iframe", "object"})
    assert not [attrs for _, attrs in reader.tags for name in attrs if name.startswith("on")]
    assert not [link for link in reader.values("a", "href") if link.startswith("javascript")]
    assert reader.text.count("<script>alert(1)</script>") > 40
    assert "<script" not in text.replace("\\<script", "")
    assert "](javascript" not in text.replace("\\](javascript", "")


def test_pictures_are_small_copies_inside_the_page(tmp_path: Path) -> None:
    root = tmp_path / "images"
    for item in ITEMS[:5]:
        assert item.image is not None
        (root / item.image).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (900, 600), (200, 90, 30)).save(root / item.image)
    shown = {
        str(card["question"]) + str(example["name"])
        for example in examples(facts(), root)
        for card in example["cards"]  # type: ignore[attr-defined]
        if card["image"]
    }
    expected = {
        item.question + name
        for item, name in zip(ITEMS[:5], ["tiger"] * 3 + ["pineapple"] * 2, strict=True)
    }
    assert shown <= expected
    assert len(shown) >= 3
    page = Reader(write(tmp_path / "run", images_root=root)[0])
    sources = page.values("img", "src")
    assert len(sources) == len(shown)
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "which could not be shown" in page.text


def test_without_an_image_folder_the_path_is_shown(tmp_path: Path) -> None:
    page = Reader(write(tmp_path)[0])
    assert page.values("img", "src") == []
    assert "image n02129604/" in page.text
    assert "could not be shown" not in page.text


def test_a_thumbnail_is_at_most_256_pixels_and_bears_no_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", (900, 600)).save(tmp_path / "a.jpg", exif=exif)
    address = thumbnail(tmp_path, "a.jpg")
    assert address is not None
    content = b64decode(address.partition(",")[2])
    assert b"secret" not in content
    with Image.open(BytesIO(content)) as small:
        assert max(small.size) == SIDE


def test_no_thumbnail_of_what_is_broken_foreign_or_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "outside.png")
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "page.jpg").write_text("<html>not a picture</html>")
    Image.new("RGB", (300, 300)).save(root / "whole.png")
    (root / "cut.png").write_bytes((root / "whole.png").read_bytes()[:60])
    Image.new("1", (8000, 8000)).save(root / "bomb.png")
    assert thumbnail(root, "whole.png") is not None
    for name in ("../outside.png", "link.png", "page.jpg", "cut.png", "bomb.png", "absent.png"):
        assert thumbnail(root, name) is None, name
    assert thumbnail(root, str(tmp_path / "outside.png")) is None


def test_examples_stay_when_other_classes_get_questions() -> None:
    def cards(questions: Sequence[Question]) -> dict[object, object]:
        return {e["name"]: e["cards"] for e in examples(facts(questions=questions), None)}

    few, all_ = cards(QUESTIONS[:6]), cards(QUESTIONS)
    assert set(few) == {"tiger", "pineapple"}
    assert {name: all_[name] for name in few} == few


def test_an_empty_run_still_tells_what_was_dropped(tmp_path: Path) -> None:
    page, text = write(tmp_path, questions=[], items=[], judged=[], pages=[])
    assert "No question came through" in page
    assert "guessable without the name" in page
    assert "No question came through" in text
    assert not (tmp_path / "plots").exists()


def test_letters_are_counted_over_questions_not_rows() -> None:
    doubled = [*ITEMS, *ITEMS[:1]]
    assert letter_counts(facts(items=doubled)) == {"A": 3, "B": 3, "C": 3, "D": 3}


def test_the_audit_is_summed_up_with_what_it_found(tmp_path: Path, summary: AuditSummary) -> None:
    found = {**summary.model_dump(mode="json")}
    found["verdicts"] = {**found["verdicts"], "name_in_question": "leak"}
    found["name_in_question"] = 3
    page, text = write(tmp_path, audit_summary=found)
    assert "3 of 12 questions" in Reader(page).text
    assert "3 of 12 questions" in text


def test_the_classes_shown_do_not_depend_on_the_order_of_the_questions() -> None:
    many = [
        QUESTIONS[0].model_copy(update={"class_id": f"c{n:02}", "class_name": f"c{n:02}"})
        for n in range(40)
    ]
    shown = [example["name"] for example in examples(facts(questions=many), None)]
    turned = [example["name"] for example in examples(facts(questions=many[::-1]), None)]
    assert shown == turned
    assert len(shown) == 12
    assert shown != [f"c{n:02}" for n in range(12)]


def test_a_set_whose_longest_option_is_right_is_said_to_leak() -> None:
    long = [
        question.model_copy(update={"choices": ("much longer", "b", "c", "d"), "answer": 0})
        for question in QUESTIONS
    ]
    tiles: Any = text_context(facts(questions=long, items=[]))["tiles"]
    verdicts = {tile["label"]: tile.get("verdict") for tile in tiles}
    assert verdicts["Longest option is right"] == "leak"


def test_articles_of_several_classes_and_classes_of_several_articles_are_named(
    tmp_path: Path,
) -> None:
    first, second = PAGES[:2]
    both = tuple(sorted({*first.class_ids, *second.class_ids}))
    pages = (first.model_copy(update={"class_ids": both}), *PAGES[1:])
    page, _ = write(tmp_path, pages=pages)
    text = Reader(page).text
    assert f"{first.title} ({', '.join(both)})" in text
    titles = f"{first.title}, {second.title}"
    assert f"{second.class_ids[0]} ({titles})" in text
    plain, _ = write(tmp_path)
    assert "serves several classes" not in plain
    assert "several articles" not in plain


def test_titles_that_lead_into_sections_are_named(tmp_path: Path) -> None:
    page, _ = write(tmp_path, sections=["Firefox (Red panda § Names)"])
    text = Reader(page).text
    assert "1 title leads into a section: its page is about more" in text
    assert "Firefox (Red panda § Names)" in text
    plain, _ = write(tmp_path)
    assert "into a section" not in plain
