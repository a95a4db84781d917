"""Mistakes of a user: each is one helpful sentence and exit code 2, and no work begins."""

import bz2
import errno
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FILES: dict[str, bytes] = {
    "text": b"just words\n",
    "wrong-column.csv": b"id,nome\na,Tiger\n",
    "empty.json": b"[]",
    "empty.csv": b"",
    "twin-ids.csv": b"id,name\na,Tiger\na,Lion\n",
    "twin-names.json": b'["Tiger", "tiger"]',
    "blank.csv": b"id,name\na,Tiger\nb,\n",
    "latin.json": b'["caf\xe9"]',
    "cut.json": b'["Tiger",\n',
    "object.json": b'{"Tiger": 1}',
    "stranger.json": b'["Zorblax"]',
    "cells.csv": b"id,name\na,Tiger,Lion\n",
    "slash.csv": b"id,name\na/b,Tiger\n",
    "notes.xml": b"hello",
    "page.xml": b"<html></html>",
    "cut.xml": b"<mediawiki><page><title>A</title>",
    "doctype.xml": b"<!DOCTYPE x><mediawiki></mediawiki>",
    "cut.xml.bz2": bz2.compress(b"<mediawiki></mediawiki>" * 99)[:40],
    "plain.xml.gz": b"<mediawiki></mediawiki>",
    "nowiki/readme.md": b"hi",
    "wiki/Zorblax.txt": b"Short.",
    "sidecar/Tiger.txt": b"The tiger.",
    "sidecar/pages.csv": b"file,colour\nTiger.txt,red\n",
    "list.yaml": b"- a\n",
    "cut.yaml": b"a: [\n",
    "latin.yaml": b"classes: caf\xe9\n",
    "colour.yaml": b"colour: 3\n",
    "many.yaml": b"per_class: many\n",
    "script": b'{"contains": "x"}\n',
    "stranger/file": b"mine",
    "run/questions.jsonl": b"",
    "norows.tsv": b"index\tquestion\tA\tB\tanswer\n",
    "real.json": b"[[0], [",
    "rows.jsonl": b'{"question": "What does this object eat?", "choices": ["a", "b", "c", "d"],'
    b' "answer": 0, "class_id": "x"}\n',
    "cut.parquet": b"PAR1" + bytes(40),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A command line, and what the sentence must name and advise."""

    line: str
    says: tuple[str, ...]


def mistake(line: str, *says: str) -> Mistake:
    return Mistake(line, says)


REBUILD = (
    # sources of pages
    mistake("--pages dump:none.xml", "none.xml", "check the path"),
    mistake("--pages dump:", "'dump:'", "dump:FILE, folder:DIR, sample"),
    mistake("--pages folder:none", "folder none", "check the path"),
    mistake("--pages wiki", "'wiki'", "dump:FILE, folder:DIR, sample"),
    mistake("--classes stranger.json", "cannot be asked without a contact", "e-mail"),
    mistake("--sample --pages dump:notes.xml", "two sources", "give one"),
    mistake("--pages folder:nowiki --classes stranger.json", "nowiki", "put pages there", "*.txt"),
    mistake("--pages folder:sidecar --classes stranger.json", "colour", "its columns are file"),
    mistake("--pages dump:notes.xml", "notes.xml", "line 1", "not well-formed", "download it"),
    mistake("--pages dump:page.xml", "page.xml", "<html>", "pages-articles"),
    mistake("--pages dump:cut.xml", "cut.xml", "not well-formed", "download it again"),
    mistake("--pages dump:doctype.xml", "document type", "as it was published"),
    mistake("--pages dump:cut.xml.bz2", "cut.xml.bz2", "cut or damaged", "checksum"),
    mistake("--pages dump:plain.xml.gz", "plain.xml.gz", "damaged", "download it again"),
    mistake(
        "--pages sample --classes stranger.json", "no page of sample", "stranger.json", "compare"
    ),
    mistake("--pages folder:wiki --classes stranger.json", "no page of use", "too short", "give"),
    # class lists
    mistake("--sample --classes none.csv", "none.csv", "does not exist", "imagenet"),
    mistake("--sample --classes imagnet", "'imagnet'", "have: caltech101, flowers102"),
    mistake("--sample --classes wrong-column.csv", "line 1", "nome", "expected are id,", "rename"),
    mistake("--sample --classes empty.json", "empty.json", "is empty", "at least one class"),
    mistake("--sample --classes empty.csv", "empty.csv", "is empty", "at least one class"),
    mistake("--sample --classes twin-ids.csv", "line 3", "same id 'a'", "line 2", "distinct"),
    mistake("--sample --classes twin-names.json", "name 2", "same name", "distinct"),
    mistake("--sample --classes blank.csv", "line 3", "name is blank", "fill it in"),
    mistake("--sample --classes latin.json", "latin.json, line 1", "save the file as UTF-8"),
    mistake("--sample --classes cut.json", "cut.json, line 2", "not JSON", "correct"),
    mistake("--sample --classes object.json", "list of names", ".csv or .jsonl"),
    mistake("--sample --classes cells.csv", "line 2", "3 cells for 2 columns", "double quotes"),
    mistake("--sample --classes slash.csv", "line 2", "'a/b'", "use letters"),
    # models
    mistake("--sample --author gpt", "--author 'gpt'", "have: anthropic:MODEL, corpus, local:"),
    mistake("--sample --judge gpt", "--judge 'gpt'", "scripted:FILE"),
    mistake("--sample --author scripted:", "names no model", "write scripted:FILE"),
    mistake("--sample --judge openai", "names no model", "write openai:MODEL"),
    mistake("--sample --judge local", "names no model", "write local:DIR_OR_HUB_ID"),
    mistake("--sample --author local:none", "no folder none", "ORG/NAME"),
    mistake("--sample --judge local:hollow", "hollow holds no config.json", "save_pretrained"),
    mistake("--sample --author openai:m", "openai:m needs a key", "OPENAI_API_KEY", "--base-url"),
    mistake("--sample --judge anthropic:m", "anthropic:m needs a key", "ANTHROPIC_API_KEY"),
    mistake("--sample --base-url http://x/v1", "no model is asked there", "openai:MODEL"),
    mistake("--sample --author openai:m --base-url x", "'x' is no address", "http://HOST:PORT"),
    mistake("--sample --judge corpus --judge corpus", "--judge corpus", "twice", "once"),
    mistake("--sample --author scripted:none", "script none", "JSON lines"),
    mistake("--sample --judge scripted:script", "script line 1", "not a rule", '"contains"'),
    # images
    mistake("--sample --images flickr", "'flickr'", "have: none, imagenet-val, folder:DIR"),
    mistake("--sample --images folder:none", "no folder none", "check the path after"),
    mistake("--sample --images folder:hollow", "hollow", "give --images folder:DIR", "CLASS_ID"),
    mistake(
        "--pages folder:wiki --classes stranger.json --images imagenet-val",
        "'zorblax'", "ImageNet", "--images none",
    ),
    # settings
    mistake("--sample --mode fast", "mode", "'fast'", "'strict' or 'paper'"),
    mistake("--sample --per-class 0", "per_class", "greater than or equal to 1", "correct it"),
    mistake("--sample --per-class -2", "per_class", "-2", "correct it"),
    mistake("--sample --questions 0", "questions", "greater than or equal to 1", "correct it"),
    mistake("--sample --seed abc", "'--seed'", "integer", "rebuild --help"),
    mistake("--sample --seed -1", "seed", "-1", "greater than or equal to 0"),
    mistake("--sample --workers 0", "'--workers'", "greater than or equal to 1"),
    mistake("--sample --limit 0", "'--limit'", "greater than or equal to 1"),
    mistake("--sample --colour 3", "no such option", "--colour", "imagewikiqa rebuild --help"),
    mistake("--sample --seed", "'--seed'", "requires an argument", "imagewikiqa --help"),
    mistake("--sample more", "unexpected", "more", "rebuild --help"),
    mistake("--sample --config none.yaml", "none.yaml", "check the path", "--config"),
    mistake("--sample --config cut.yaml", "cut.yaml", "line 2", "correct it"),
    mistake("--sample --config latin.yaml", "latin.yaml", "not YAML", "correct it"),
    mistake("--sample --config list.yaml", "list.yaml", "write 'name: value' lines"),
    mistake("--sample --config colour.yaml", "no setting colour", "have: against, author, classes"),
    mistake("--sample --config many.yaml", "per_class", "'many'", "correct it"),
    mistake("--sample --set per_class", "'per_class'", "as in --set per_class=3"),
    mistake("--sample --set colour=3", "no setting colour", "have: against, author, classes"),
    mistake("--sample --set filter.keep=1", "no setting filter.keep", "have: keep_with"),
    mistake("--sample --set filter.keep_with=3", "filter.keep_with", "3", "correct it"),
    mistake("--sample --set a=[", "'a=['", "quote it"),
    # where it goes
    mistake("--sample --out stranger", "stranger is not empty", "file", "choose a new or empty"),
    mistake("--sample --out text", "text", "a file is in the way", "choose another --out"),
    mistake("--sample --out text/run", "text/run", "part of the path", "choose another --out"),
    mistake("--sample --previous none", "none", "run folder or its questions.jsonl"),
    mistake("--sample --against none", "--against", "none", "a run folder"),
    mistake("--sample --against text", "--against", "text"),
    mistake("--sample --previous text", "text line 1", "questions.jsonl of a finished run"),
)  # fmt: skip

OTHERS = (
    mistake("rebild --sample --out o", "'rebild'", "'rebuild'", "imagewikiqa --help"),
    mistake("rebuild --sample", "'--out'", "imagewikiqa rebuild --help"),
    mistake("pages --sample", "'--out'", "imagewikiqa pages --help"),
    mistake("", "no command given", "imagewikiqa --help"),
    mistake("audit", "nothing to audit", "a file or a run folder"),
    mistake("audit none", "no file none", "a run folder"),
    mistake("audit hollow", "hollow has no questions.jsonl", "give a run folder"),
    mistake("audit run", "questions.jsonl is empty", "at least one question"),
    mistake("audit empty.csv", "empty.csv is empty", "at least one question"),
    mistake("audit norows.tsv", "norows.tsv", "no readable row", "expected are"),
    mistake("audit wrong-column.csv", "row 1", "id, nome", "expected are the columns"),
    mistake("audit text", "text, row 1", "no readable row", "expected are the columns"),
    mistake("audit cut.parquet", "cut.parquet", "parquet", "write it again"),
    mistake("audit rows.jsonl --real none", "no file none", "--real"),
    mistake("audit rows.jsonl --real real.json", "real.json", "line 1", "give the ReaL labels"),
    mistake("audit rows.jsonl --pages none", "no file none", "--pages", "pages.jsonl"),
    mistake("audit rows.jsonl --pages text", "text holds no page", "give a pages.jsonl"),
    mistake("audit rows.jsonl --classes twin-ids.csv", "line 3", "same id 'a'", "distinct"),
    mistake("audit rows.jsonl --out text", "text", "a file is in the way", "another --out"),
    mistake("audit --out none", "no file none", "a run folder"),
)
ALL = [*(mistake(f"rebuild --out out {one.line}", *one.says) for one in REBUILD), *OTHERS]
_SENTENCE = re.compile(r"imagewikiqa: \S.{20,600}")
_PROGRESS = re.compile(r"[a-z]+: \d+ of \d+ \(.*\)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of spoiled files that commands run in, with no key in the environment."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "hollow").mkdir()
    monkeypatch.chdir(tmp_path)
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(key, raising=False)
    return tmp_path


def check(code: object, err: str, says: tuple[str, ...]) -> None:
    """Say whether an ending is one helpful sentence."""
    *progress, sentence = err.splitlines()
    assert code == 2
    assert _SENTENCE.fullmatch(sentence), err
    assert all(_PROGRESS.fullmatch(line) for line in progress), err
    assert [words for words in says if words not in sentence] == [], sentence


def state(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, but for the run folder a mistake may have begun."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in files
        if file.relative_to(folder).parts[0] != "out"
    }


@pytest.mark.parametrize("wrong", ALL, ids=[one.line or "nothing" for one in ALL])
def test_a_mistake_is_one_sentence_that_names_it_and_the_next_step(
    wrong: Mistake, folder: Path, command: Callable[..., Any]
) -> None:
    before = state(folder)
    said = command(*wrong.line.split())
    check(said.code, said.err, wrong.says)
    assert said.out == "" or wrong.line == "", said.out
    assert state(folder) == before


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Any]
) -> None:
    def refused(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "plan.json").write_text("{}")
    monkeypatch.setattr(Path, "read_bytes", refused)
    said = command("mix", "verify", tmp_path)
    assert said.code == 2 and f"permission was denied for {tmp_path}/plan.json: change" in said.err


def test_no_two_mistakes_are_the_same_command_line() -> None:
    assert len({one.line for one in ALL}) == len(ALL) >= 25
    assert all(len(one.says) >= 2 for one in ALL)


@pytest.mark.parametrize(
    "line",
    ["--sample --images flickr", "--sample --judge scripted:script", "--sample --author openai:",
     "--sample --previous text", "--sample --mode fast", "--pages dump:none.xml"],
)  # fmt: skip
def test_what_can_be_known_before_any_work_leaves_no_run_folder(
    line: str, folder: Path, command: Callable[..., Any]
) -> None:
    assert command("rebuild", "--out", "out", *line.split()).code == 2
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "wrong", [ALL[0], OTHERS[0], OTHERS[5]], ids=["a missing dump", "a typing slip", "no file"]
)
def test_a_real_process_ends_the_same_way(wrong: Mistake, folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "imagewikiqa", *wrong.line.split()],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    check(ended.returncode, ended.stderr, wrong.says)
    assert ended.stdout == ""
