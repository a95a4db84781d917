"""The published schemas are the records, closed, and real rows satisfy them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from imagewikiqa.core import records as r
from imagewikiqa.core.schemas import FOLDER, PUBLISHED, export_schemas, schema_name, schema_text
from imagewikiqa.core.tables import line_of

REGENERATE = "run make schemas and raise VERSION when a reader of the old file would break"
EVIDENCE = r.Evidence(
    page="en:1@2", page_id=1, revision_id=2, url="https://x.org", quote="é", start=0, end=1
)
AUTHOR = r.Authorship(name="corpus", model="none", prompt="forms@0", seed=0, form="diet")
SCORE = r.JudgeScore(judge="corpus", right=1, trials=2, unparsed=1, picks=(0, None))
JUDGEMENT = r.Judgement(with_name=SCORE, without_name=SCORE)
CHOICES = (r.Choice(text="a", class_id="n1"), r.Choice(text="b"), r.Choice(text="c"))
ASKED: dict[str, Any] = {
    "class_id": "n1",
    "class_name": "tiger",
    "question": "What does this object eat?",
    "question_named": "What does a tiger eat?",
}
DRAFT = r.Draft(
    id="d", **ASKED, choices=(*CHOICES, r.Choice(text="d")), evidence=EVIDENCE, author=AUTHOR
)
JUDGED = r.Judged(id="d", keep=False, reason="too easy", judges=(JUDGEMENT,))
OPINION = r.Opinion(
    id="d",
    verdict="disputed",
    judge="llm:m",
    prompt="check_evidence@0",
    votes=(
        r.OpinionVote(order=(0, 1, 2, 3), supported=(0, 2), note="both"),
        r.OpinionVote(order=(3, 2, 1, 0), supported=None, note="reply is not JSON"),
    ),
)
ROWS: tuple[BaseModel, ...] = (
    r.ClassEntry(id="n1", name="tiger", hypernyms=("cat",), index=0),
    r.Page(
        id="en:1@2",
        class_ids=("n1",),
        title="Tiger",
        page_id=None,
        revision_id=None,
        revision_timestamp=None,
        url="https://x.org",
        license="CC-BY-SA-4.0",
        text="é",
        sections=(r.Section(path=(), start=0, end=1),),
        facts={"diet": "meat"},
        source="sample",
        sha256="0" * 64,
    ),
    DRAFT,
    JUDGED,
    OPINION,
    r.Disputed(id="d", draft=DRAFT, reason="disputed", opinion=OPINION),
    r.Repaired(id="d", draft=DRAFT, judged=JUDGED, tries=("too easy",)),
    r.Question(
        id="q",
        **ASKED,
        choices=("a", "b", "c", "d"),
        answer=0,
        evidence=EVIDENCE,
        author=AUTHOR,
        checks={"leak": True},
        judge=JUDGEMENT,
        choice_class_ids=("n1", None, None, "n2"),
    ),
    r.ImageRef(id="a.jpg", class_id="n1", sha256="f" * 64),
    r.Item(
        item_id="q-0",
        question_id="q",
        class_id="n1",
        image=None,
        question="What?",
        choices=("a", "b", "c", "d"),
        answer=3,
        letter="D",
    ),
    r.Caption(
        id="c",
        class_id="n",
        class_name="tiger",
        image="n/a.jpg",
        image_sha256="0" * 64,
        caption="A tiger.",
        attempts=1,
        author=r.Authorship(name="llm", model="m", prompt="caption_paper@0", seed=0),
    ),  # fmt: skip
    r.Reject(id="filter:d", stage="filter", input="d", reason="leak"),
)


def committed(model: type[BaseModel]) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FOLDER / schema_name(model)).read_text(encoding="utf-8"))
    return schema


def objects(schema: object) -> Iterator[dict[str, Any]]:
    """Yield every object schema with named properties, wherever it stands."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from objects(part)


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.__name__)
def test_the_committed_schema_is_the_record(model: type[BaseModel]) -> None:
    text = (FOLDER / schema_name(model)).read_text(encoding="utf-8")
    assert text == schema_text(model), REGENERATE


def test_no_schema_is_left_over() -> None:
    assert {p.name for p in FOLDER.iterdir()} == {schema_name(m) for m in PUBLISHED}, REGENERATE


def test_exporting_writes_every_schema(tmp_path: Path) -> None:
    paths = export_schemas(tmp_path)
    assert [path.name for path in paths] == [schema_name(model) for model in PUBLISHED]
    assert all(p.read_bytes() == (FOLDER / p.name).read_bytes() for p in paths)


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.__name__)
def test_every_published_object_is_closed(model: type[BaseModel]) -> None:
    found = list(objects(committed(model)))
    assert found and all(part.get("additionalProperties") is False for part in found)


def test_every_published_record_has_a_row_here() -> None:
    assert [type(row) for row in ROWS] == list(PUBLISHED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_row_satisfies_its_schema_and_a_changed_one_does_not(row: BaseModel) -> None:
    schema = committed(type(row))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    written = json.loads(line_of(row))
    assert list(validator.iter_errors(written)) == []
    assert not validator.is_valid({**written, "stranger": 1})
    for name in schema["required"]:
        assert not validator.is_valid({k: v for k, v in written.items() if k != name}), name


def test_real_class_rows_satisfy_their_schema() -> None:
    validator = Draft202012Validator(committed(r.ClassEntry))
    path = FOLDER.parent / "data" / "imagenet_classes.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 1000
    wrong = [row["id"] for row in rows if not validator.is_valid(row)]
    assert wrong == []
