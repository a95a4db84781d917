"""A mix names files and how many of their rows are taken, as LLaVA-NeXT's loader does."""

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.mix import MixPart, read_mix, read_part
from imagewikiqa.builders.llava.row import LlavaRow
from imagewikiqa.builders.llava.rows import iterate_rows
from imagewikiqa.builders.llava.stream import read_raw
from imagewikiqa.core.errors import ToolkitError


def text_row(said: str) -> dict[str, Any]:
    """Return a row of text with this answer."""
    turns = [{"from": "human", "value": "Say it."}, {"from": "gpt", "value": said}]
    return {"id": said, "conversations": turns}


def rows_file(folder: Path, name: str, count: int = 10) -> Path:
    """Write a file of rows that answer with the file's name and their place."""
    rows = [text_row(f"{Path(name).stem} {n}") for n in range(count)]
    file = folder / name
    as_lines = "\n".join(map(json.dumps, rows))
    file.write_text(as_lines if file.suffix == ".jsonl" else json.dumps(rows))
    return file


def mix(folder: Path, *entries: tuple[str, str]) -> Path:
    """Write a mix file over data files of 10 rows each, and return it."""
    lines = ["datasets:"]
    for path, strategy in entries:
        lines += [f"  - json_path: {path}", f'    sampling_strategy: "{strategy}"']
        rows_file(folder, Path(path).name)
    file = folder / "mix.yaml"
    file.write_text("\n".join(lines))
    return file


def said(file: Path, seed: int = 0) -> list[str]:
    """Return the answers of the rows that a file or mix gives; a refused row by its reason."""
    found = [row for _, _, row in iterate_rows(read_mix(file), seed)]
    return [row.turns[1].value if isinstance(row, LlavaRow) else row.reason for row in found]


def test_a_mix_takes_rows_by_its_strategies_from_files_found_by_their_tails(
    tmp_path: Path,
) -> None:
    file = mix(
        tmp_path,
        ("/mnt/authors/one.json", "first:25%"),
        ("/mnt/authors/two.json", "end:2"),
        ("/mnt/authors/three.jsonl", "random:4"),
        ("four.json", "all"),
    )
    found = said(file, seed=3)
    assert found[:5] == ["one 0", "one 1", "one 2", "two 8", "two 9"]
    assert [name.split()[0] for name in found[5:]] == ["three"] * 4 + ["four"] * 10
    assert said(file, seed=4)[5:9] != found[5:9]


@given(
    kind=st.sampled_from(["first", "end", "random"]),
    number=st.integers(1, 100),
    share=st.booleans(),
    rows=st.integers(0, 60),
)
def test_as_many_rows_are_taken_as_the_published_loader_takes(
    kind: str, number: int, share: bool, rows: int
) -> None:
    with TemporaryDirectory() as folder:
        file = rows_file(Path(folder), "a.json", rows)
        strategy = f"{kind}:{number}{'%' if share else ''}"
        places = [at for at, _ in read_part(MixPart(source="a", path=file, strategy=strategy), 5)]
    count = min(rows, math.ceil(number * rows / 100) if share else number)
    everything = list(range(rows))
    if kind == "random":
        assert len(places) == count
        assert sorted(set(places)) == places and set(places) <= set(everything)
    else:
        assert places == (everything[:count] if kind == "first" else everything[rows - count :])


def test_a_file_listed_twice_gives_distinct_ids_and_counts_its_repeats(tmp_path: Path) -> None:
    file = mix(tmp_path, ("one.json", "first:3"), ("one~2.json", "first:1"), ("one.json", "all"))
    found = list(iterate_rows(read_mix(file)))
    assert [source for _, source, _ in found] == ["one"] * 3 + ["one~2"] + ["one~3"] * 10
    assert len({identity for identity, _, _ in found}) == 14
    repeats = [row.reason for _, _, row in found if isinstance(row, DefectError)]
    assert repeats == ["duplicate row"] * 3


def test_braces_name_several_files_as_in_the_published_loader(tmp_path: Path) -> None:
    for name in ("a.json", "b.json", "c.jsonl", "d.jsonl", "{e,f}.json"):
        rows_file(tmp_path, name, 1)
    assert said(tmp_path / "{a,b}.json") == ["a 0", "b 0"]
    assert said(tmp_path / "{e,f}.json") == ["{e,f} 0"]  # a file of that very name
    (tmp_path / "mix.yaml").write_text(
        "datasets:\n- json_path: '/mnt/{c, d}.jsonl'\n  sampling_strategy: 'first:1'"
    )
    assert said(tmp_path / "mix.yaml") == ["c 0", "d 0"]
    with pytest.raises(ToolkitError, match=r"there is no file .*x\.json"):
        read_mix(tmp_path / "{a,x}.json")


def test_a_path_that_is_no_unicode_is_refused(tmp_path: Path) -> None:
    file = rows_file(tmp_path, "\udcff.json")
    with pytest.raises(ToolkitError, match=r"udcff\.json' is not UTF-8: rename"):
        read_mix(file)


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    file = rows_file(tmp_path, "a.json")
    with pytest.raises(ToolkitError, match="is no file: give a .json"):
        read_mix(tmp_path)
    with pytest.raises(ToolkitError, match="there is no folder .*give --data"):
        read_mix(file, data=file)
    (tmp_path / "mix.yaml").mkdir()
    with pytest.raises(ToolkitError, match="cannot read the mix"):
        read_mix(tmp_path / "mix.yaml")


def test_the_published_mixes_are_read_and_their_missing_files_counted(shared_data: Path) -> None:
    for name, files in (("onevision", 82), ("single_image", 90), ("mid_stage", 8)):
        file = shared_data / "llava_samples" / f"llava_next_mix_{name}.yaml"
        with pytest.raises(ToolkitError, match=rf"names (\d+) of {files} files"):
            read_mix(file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("datasets: []", "lists no datasets"),
        ("a: 1", "no mix in YAML"),
        ("datasets: [{json_path: x.json, sampling_strategy: 'first:101%'}]", "unknown sampling"),
        ("datasets: [{json_path: x.json, sampling_strategy: some}]", "unknown sampling"),
        ("datasets: [{sampling_strategy: all}]", "a dataset of the mix is wrong"),
        ("datasets: [1", "no mix in YAML"),
    ],
)
def test_a_wrong_mix_is_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "mix.yaml").write_text(content)
    with pytest.raises(ToolkitError, match=sentence):
        read_mix(tmp_path / "mix.yaml")


@pytest.mark.parametrize("lines", [3, 50])
def test_an_object_over_many_lines_is_no_json_lines(tmp_path: Path, lines: int) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({f"field {n}": n for n in range(lines)}, indent=1))
    with pytest.raises(ToolkitError, match="is no JSON lines .*one object a line, or one array"):
        list(read_raw(file))


def test_nineteen_bad_lines_in_a_row_cost_their_rows_alone(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    good = json.dumps(text_row("a"))
    file.write_text("\n".join([good, *["{"] * 19, good, *["{"] * 19]))
    assert len(list(read_raw(file))) == 40
    file.write_text("\n".join([good, *["{"] * 20]))
    with pytest.raises(ToolkitError, match="20 lines in a row are no JSON"):
        list(read_raw(file))


def test_a_parquet_of_captions_is_read_by_its_published_columns(tmp_path: Path) -> None:
    table = {
        "image_url": ["https://a.org/b.jpg", None],
        "caption": ["A red bus.", "A cat."],
        "transcripts": [["um a bus"], []],
    }
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "pixmo.parquet")
    assert said(tmp_path / "pixmo.parquet") == ["A red bus.", "image token without image"]


@pytest.mark.parametrize("name", ["image", "images"])
def test_a_parquet_that_holds_pixels_is_refused_before_they_are_read(
    tmp_path: Path, name: str
) -> None:
    pixels: Any = {"bytes": b"\xff\xd8", "path": "a.jpg"}
    column = [[pixels]] if name == "images" else [pixels]
    table = pyarrow.table({"conversations": [text_row("a")["conversations"]], name: column})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(ToolkitError, match=f"holds the images themselves \\(column {name}\\)"):
        list(read_raw(tmp_path / "rows.parquet"))


def test_other_bytes_of_a_parquet_are_left_where_they_are(tmp_path: Path) -> None:
    row = text_row("a")
    table = pyarrow.table(
        {"conversations": [row["conversations"]], "thumbnail": [b"x"], "size": [{"width": 3}]}
    )
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    assert list(read_raw(tmp_path / "rows.parquet")) == [
        {"conversations": row["conversations"], "size": {"width": 3}}
    ]
