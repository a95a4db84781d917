"""A source tells every row's fate without opening an image, and says the same each time."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from imagewikiqa.builders.llava.index import index_rows
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.records import Span
from imagewikiqa.mixtures.sources.index import SourceIndex
from imagewikiqa.mixtures.sources.open import open_source
from imagewikiqa.mixtures.sources.places import image_size
from imagewikiqa.mixtures.sources.protocol import Source, sample_id
from imagewikiqa.prompts.conversation import load_conversation
from tests.mixtures.small_sources import (
    CLASSES,
    make_captions,
    make_images,
    make_questions,
    make_rows,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sources")
    make_images(made / "birds")
    make_rows(made / "talk")
    make_captions(made)
    make_questions(made)
    return made


def birds(folder: Path, **more: object) -> Source:
    fields = {"name": "birds", "read": f"images:{folder}/birds/index"}
    given = {"images": folder / "birds/images", **fields, **more}
    return open_source(SourceSettings.model_validate(given), folder)


def talk(folder: Path, **more: object) -> Source:
    fields = {"name": "talk", "read": f"llava:{folder}/talk/rows.parquet"}
    given = {"images": folder / "talk/images", **fields, **more}
    return open_source(SourceSettings.model_validate(given), folder / "work")


def fates(index: SourceIndex) -> dict[str, str]:
    codes = index.reason_of.tolist()
    return {
        one: index.reasons[code] if code >= 0 else "usable"
        for one, code in zip(index.ids.to_pylist(), codes, strict=True)
    }


def test_images_are_usable_or_left_out_with_their_reason(folder: Path) -> None:
    index = birds(folder).index()
    assert index.rows == 12 and len(index.usable) == 9
    assert index.left_out() == {"truncated": 3}
    assert fates(index)["train/ant/0003.jpg"] == "truncated"
    assert index.class_ids == CLASSES
    assert [CLASSES[code] for code in index.class_of] == [c for c in CLASSES for _ in range(4)]


def test_what_a_recipe_does_not_ask_for_is_left_out_with_its_reason(folder: Path) -> None:
    index = birds(folder, where={"classes": ["ant"], "shortest_side": 12}).index()
    assert index.left_out() == {"class not asked for": 6, "truncated": 3}
    assert birds(folder, where={"shortest_side": 13}).index().left_out() == {
        "shorter side than asked for": 9,
        "truncated": 3,
    }
    assert birds(folder, where={"splits": ["val"]}).index().left_out()["split not asked for"] == 9


def test_the_sample_of_an_image_is_the_papers_and_says_where_the_image_lies(folder: Path) -> None:
    said, span = birds(folder).sample(4, "name_object", 0)
    ref = load_conversation("name_object").ref
    assert said == {
        "id": sample_id("birds", "train/grey_fox/0000.jpg", ref),
        "source": "birds",
        "source_id": "train/grey_fox/0000.jpg",
        "class_id": "grey_fox",
        "template": ref,
        "conversations": [
            {"from": "human", "value": "<image>\nWhat type of object is in the photo?"},
            {"from": "gpt", "value": "grey fox"},
        ],
    }
    path = folder / "birds/images/train/grey_fox/0000.jpg"
    assert span == Span(path=str(path), length=path.stat().st_size)


def test_wordings_change_with_the_seed_and_the_repeat_and_with_nothing_else(folder: Path) -> None:
    source = birds(folder)

    def wording(*key: int) -> str:
        said, _ = source.sample(key[0], "name_object_varied", *key[1:])
        return str(said["conversations"][0]["value"])

    assert wording(0, 1) == wording(0, 1)
    assert len({wording(0, seed) for seed in range(100)}) == 5
    assert len({wording(0, 0, repeat) for repeat in range(100)}) == 5


def test_a_closed_world_list_holds_the_label_once_in_any_place(folder: Path) -> None:
    source = birds(folder, templates=["name_object_closed"], labels=3)
    places = set()
    for seed in range(20):
        human, gpt = source.sample(0, "name_object_closed", seed)[0]["conversations"]
        listed = human["value"].partition('from "')[2].removesuffix('".').split(", ")
        assert sorted(listed) == ["ant", "grey fox", "tench"] and gpt["value"] == "ant"
        places.add(listed.index("ant"))
    assert places == {0, 1, 2}
    with pytest.raises(ToolkitError, match="has 3 classes and its lists ask for 4 labels"):
        birds(folder, templates=["name_object_closed"], labels=4).index()


def test_wrong_names_are_told_and_as_many_as_asked(folder: Path) -> None:
    source = birds(folder, wrong_names=0.5)
    wrong = 0
    for seed in range(200):
        said = source.sample(0, "name_object", seed)[0]
        named = said.get("named_class_id", "ant")
        assert said["class_id"] == "ant"
        assert said["conversations"][1]["value"] == named.replace("_", " ")
        wrong += named != "ant"
    assert 70 <= wrong <= 130
    assert "named_class_id" not in birds(folder).sample(0, "name_object", 3)[0]
    assert "named_class_id" in birds(folder, wrong_names=1).sample(0, "name_object", 3)[0]


def test_rows_are_passed_on_as_written(folder: Path) -> None:
    source, index = talk(folder), talk(folder).index()
    assert index.left_out() == {"several images": 1}
    raw = json.loads((folder / "talk/mix.json").read_text())
    for row in index.usable.tolist():
        said, span = source.sample(row, "as_written", 0)
        assert said["conversations"] == raw[row]["conversations"]
        assert (span is None) == ("image" not in raw[row])
        assert bool(index.has_image[row]) == ("image" in raw[row])
        if span is not None:
            assert Path(span.path).name == raw[row]["image"] and span.length > 0


def test_rows_with_or_without_an_image_can_be_asked_for(folder: Path) -> None:
    assert talk(folder, where={"with_image": True}).index().left_out()["text only"] == 2
    assert talk(folder, where={"with_image": False}).index().left_out()["has an image"] == 4


def test_what_a_source_does_not_have_cannot_be_asked_for(folder: Path) -> None:
    with pytest.raises(ToolkitError, match=r"source talk has no file 'mxi', .* have: mix"):
        talk(folder, where={"files": ["mix", "mxi"]}).index()
    assert talk(folder, where={"files": ["mix"]}).index().left_out() == {"several images": 1}
    for where, said in (
        ({"shortest_side": 3}, "where.shortest_side is unknown of llava, which have files and"),
        ({"splits": ["val"]}, "where.splits is unknown of llava"),
        ({"classes": ["ant"]}, "where.classes is unknown of llava"),
    ):
        with pytest.raises(ValueError, match=said):
            talk(folder, where=where)
    with pytest.raises(ValueError, match=r"where.files is unknown of images"):
        birds(folder, where={"files": ["mix"]})
    with pytest.raises(ValueError, match="classes is for images named by their class"):
        talk(folder, classes="imagenet")


def test_rows_whose_images_nobody_looked_at_are_called_that(tmp_path: Path) -> None:
    make_rows(tmp_path / "talk")
    index_rows(read_mix(tmp_path / "talk/mix.json"), tmp_path / "blind")
    source = talk(tmp_path, read=f"llava:{tmp_path}/blind/rows.parquet")
    assert source.index().left_out() == {"image not looked at": 4, "several images": 1}


def test_a_lost_image_is_left_out_by_the_plan_and_named_by_the_builder(tmp_path: Path) -> None:
    make_rows(tmp_path / "talk")
    (tmp_path / "talk/images/4.jpg").unlink()
    assert talk(tmp_path).index().left_out() == {"image missing": 1, "several images": 1}
    with pytest.raises(ToolkitError, match=r"the image 4.jpg of source talk cannot be read below"):
        talk(tmp_path).sample(4, "as_written", 0)


@pytest.mark.parametrize(("number", "missing"), [(errno.ESTALE, False), (errno.ELOOP, True)])
def test_a_disk_that_fails_is_no_missing_image(
    number: int, missing: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: str) -> os.stat_result:
        raise OSError(number, os.strerror(number), path)

    settings = talk(folder).settings
    monkeypatch.setattr(os, "stat", failing)
    if missing:
        assert image_size(settings, "1.jpg") == -1
        return
    with pytest.raises(ToolkitError, match=r"the image 1.jpg of source talk cannot be looked at"):
        image_size(settings, "1.jpg")


def test_a_changed_image_is_refused(tmp_path: Path) -> None:
    make_images(tmp_path / "birds")
    with (tmp_path / "birds/images/train/ant/0000.jpg").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ToolkitError, match=r"bytes and its index says .*: make the index again"):
        birds(tmp_path).sample(0, "name_object", 0)


def test_captions_and_questions_become_conversations(folder: Path) -> None:
    images = folder / "birds/images"
    fields = {"name": "c", "read": f"captions:{folder}/captions.jsonl", "images": images}
    captions = open_source(SourceSettings.model_validate(fields), folder)
    assert captions.index().left_out() == {}
    assert captions.sample(1, "caption", 0)[0]["conversations"] == [
        {"from": "human", "value": "<image>\nGenerate a short caption for the image."},
        {"from": "gpt", "value": "A grey fox here."},
    ]
    fields = {"name": "q", "read": f"questions:{folder}", "images": images}
    questions = open_source(SourceSettings.model_validate(fields), folder)
    assert questions.index().left_out() == {"no image": 1}
    assert questions.sample(0, "choose_letter", 0)[0]["conversations"] == [
        {
            "from": "human",
            "value": "<image>\nWhat does this object eat?\nA. glass\nB. seeds\nC. sand\nD. iron\n"
            "Answer with the option's letter from the given choices directly.",
        },
        {"from": "gpt", "value": "B"},
    ]
    assert questions.sample(0, "answer_named", 0)[0]["conversations"] == [
        {"from": "human", "value": "<image>\nWhat does an ant eat?"},
        {"from": "gpt", "value": "seeds"},
    ]


def test_a_text_that_no_conversation_can_hold_leaves_its_row_out(folder: Path) -> None:
    lines = (folder / "captions.jsonl").read_text().splitlines()
    texts = ("An ant by an <image> of one.", " ", "A tench.")
    rows = [json.loads(line) | {"caption": text} for line, text in zip(lines, texts, strict=True)]
    (folder / "odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fields = {"name": "c", "read": f"captions:{folder}/odd.jsonl"}
    fields |= {"images": str(folder / "birds/images")}
    index = open_source(SourceSettings.model_validate(fields), folder).index()
    assert fates(index) == {"c0": "a text holds <image>", "c1": "a text is blank", "c2": "usable"}
    assert [row for row, _ in index.rejected()] == ["c0", "c1"]


def test_tables_that_are_made_again_are_read_again_by_the_same_process(tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        shutil.rmtree(tmp_path / "birds", ignore_errors=True)
        make_images(tmp_path / "birds", per_class=1, classes=(name,))
        turns = [{"from": "human", "value": "?"}, {"from": "gpt", "value": name}]
        (tmp_path / "mix.json").write_text(json.dumps([{"id": "r", "conversations": turns}]))
        index_rows(read_mix(tmp_path / "mix.json"), tmp_path / "talk", key=name)
        for source, template in ((birds(tmp_path), "name_object"), (talk(tmp_path), "as_written")):
            assert len(source.index().usable) == 1
            said = source.sample(0, template, 0)[0]["conversations"]
            assert said[-1]["value"] == name


def test_a_table_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    for read, said in (
        (f"llava:{tmp_path}/rows.parquet", "is no rows.parquet: make it with"),
        (f"captions:{tmp_path}/c.jsonl", "source s has no .*c.jsonl: give the file"),
        (f"questions:{tmp_path}", r"has no .*questions.jsonl"),
        (f"images:{tmp_path}", "there is no finished index of images"),
    ):
        source = open_source(SourceSettings(name="s", read=read), tmp_path)
        with pytest.raises(ToolkitError, match=said):
            source.digest()
