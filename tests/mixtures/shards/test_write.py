"""What readers find in a shard is what was given, whatever it was given as."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.records import MAX_SAMPLE, Manifest, Receipt, ShardFile, ShardSample, Span
from imagewikiqa.mixtures.shards import sources, tape
from imagewikiqa.mixtures.shards.write import (
    is_done,
    read_receipt,
    receipt_path,
    write_manifest,
    write_shard,
)
from tests.mixtures.shards.made import PLAN, content, make_mixture, sample, samples

NAME = "tiny-000000.tar"
KEYS = st.from_regex(r"[0-9a-z_-]{1,95}", fullmatch=True)
LENGTHS = st.one_of(st.integers(0, 2000), st.sampled_from((0, 512, 1024, 4096, 65_536, 300_001)))
Files = list[tuple[str, bytes]]


def given_files(sample: ShardSample) -> Files:
    """Return the files of a sample by their names, spans read."""
    found = []
    for file in sample.files:
        bytes_ = file.content
        if isinstance(bytes_, Span):
            start = bytes_.offset
            bytes_ = Path(bytes_.path).read_bytes()[start : start + bytes_.length]
        found.append((f"{sample.key}.{file.extension}", bytes_))
    return found


def read_by_tarfile(path: Path) -> Files:
    with tarfile.open(path) as archive:
        members = [(member, archive.extractfile(member)) for member in archive]
        for member, _ in members:
            assert member.isreg() and (member.mode, member.uname, member.gname) == (0o644, "", "")
            assert member.mtime == member.uid == member.gid == 0
        return [(member.name, stream.read()) for member, stream in members if stream]


def read_by_webdataset(path: Path) -> Files:
    wds = pytest.importorskip("webdataset", reason="needs webdataset, a peer")
    dataset = wds.WebDataset(str(path), shardshuffle=False, empty_check=False)
    return [
        (f"{row['__key__']}.{extension}", row[extension])
        for row in dataset
        for extension in row
        if not extension.startswith("__")
    ]


@st.composite
def shards(draw: st.DrawFn) -> list[tuple[str, str | None, int, int]]:
    """Draw (key, image extension or none, image bytes, JSON bytes) of a shard's samples."""
    keys = draw(st.lists(KEYS, min_size=1, max_size=6, unique=True))
    extensions = st.sampled_from((None, "jpg", "png", "webp"))
    return [(key, draw(extensions), draw(LENGTHS), draw(LENGTHS)) for key in keys]


@settings(max_examples=30)
@given(drawn=shards())
def test_readers_find_what_was_given_and_the_source_changes_no_byte(
    drawn: list[tuple[str, str | None, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pack = folder / "pack"  # all images behind each other in one file, as in an archive
        pack.write_bytes(b"".join(content(n, size) for n, (_, _, size, _) in enumerate(drawn)))
        as_bytes: list[ShardSample] = []
        as_spans: list[ShardSample] = []
        place = 0
        for number, (key, extension, size, text_size) in enumerate(drawn):
            text = ShardFile(extension="json", content=content(-number, text_size))
            span = Span(path=pack, offset=place, length=size)
            place += size
            for made, image in ((as_bytes, content(number, size)), (as_spans, span)):
                files = (ShardFile(extension=extension, content=image),) if extension else ()
                made.append(ShardSample(key=key, files=(*files, text)))
        one = write_shard(folder / "bytes", NAME, as_bytes, PLAN)
        assert write_shard(folder / "spans", NAME, as_spans, PLAN) == one
        written = [(folder / part / NAME).read_bytes() for part in ("bytes", "spans")]
        assert written[0] == written[1]
        expected = [file for sample in as_bytes for file in given_files(sample)]
        assert read_by_tarfile(folder / "bytes" / NAME) == expected
        if all(bytes_ for _, bytes_ in expected):  # webdataset reads an empty file as no file
            assert sorted(read_by_webdataset(folder / "bytes" / NAME)) == sorted(expected)


def test_a_shard_is_what_tarfile_writes(tmp_path: Path) -> None:
    given_ = list(samples(range(12)))
    write_shard(tmp_path, NAME, given_, PLAN)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, bytes_ in (file for sample in given_ for file in given_files(sample)):
            info = tarfile.TarInfo(name)
            info.size = len(bytes_)
            archive.addfile(info, io.BytesIO(bytes_))
    written = (tmp_path / NAME).read_bytes()
    assert stream.getvalue().startswith(written)
    assert not stream.getvalue()[len(written) :].strip(b"\0")  # tarfile fills up to 10,240


def test_tar_lists_a_shard(tmp_path: Path) -> None:
    write_shard(tmp_path, NAME, samples(range(5)), PLAN)
    listed = subprocess.run(
        ["tar", "tf", tmp_path / NAME], check=True, capture_output=True, text=True
    )
    assert listed.stdout.split() == [name for s in samples(range(5)) for name, _ in given_files(s)]
    assert listed.stderr == ""


def test_a_receipt_says_where_each_sample_stands(tmp_path: Path) -> None:
    given_ = list(samples(range(9)))
    receipt = write_shard(tmp_path, NAME, given_, PLAN)
    assert receipt == read_receipt(tmp_path, NAME)
    assert receipt.sha256 == file_digest(tmp_path / NAME)
    assert receipt.bytes == (tmp_path / NAME).stat().st_size
    assert (receipt.count, receipt.plan, receipt.shard) == (9, PLAN, NAME)
    written = (tmp_path / NAME).read_bytes()
    for one, whole in zip(receipt.samples, given_, strict=True):
        contents = b"".join(bytes_ for _, bytes_ in given_files(whole))
        assert one.sha256 == hashlib.sha256(contents).hexdigest()
        alone = io.BytesIO(written[one.offset : one.offset + one.size] + bytes(1024))
        with tarfile.open(fileobj=alone) as archive:
            assert archive.getnames() == [name for name, _ in given_files(whole)]


def test_files_that_are_read_and_written_in_pieces_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.preadv, os.write
    whole = write_shard(tmp_path / "a", NAME, samples(range(9), tmp_path), PLAN)
    monkeypatch.setattr(tape, "_BYTES", 700)  # of which a header alone takes 512
    assert write_shard(tmp_path / "b", NAME, samples(range(9), tmp_path), PLAN) == whole
    monkeypatch.setattr(os, "preadv", lambda file, into, at: read(file, [into[0][:100]], at))
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:99]))
    assert write_shard(tmp_path / "c", NAME, samples(range(9), tmp_path), PLAN) == whole
    assert {file_digest(tmp_path / name / NAME) for name in "abc"} == {whole.sha256}


def test_a_name_that_no_reader_takes_is_refused(tmp_path: Path) -> None:
    files = sample(1).files
    for key in ("two.parts", "../up", "", "Upper", "a" * 101):
        refused(tmp_path, [ShardSample(key=key, files=files)])
    script = ShardFile(extension="pyd", content=b"x")
    assert "with the files ['pyd']" in refused(tmp_path, [ShardSample(key="a", files=(script,))])
    assert "with the files []" in refused(tmp_path, [ShardSample(key="a", files=())])


def test_more_sources_than_stay_open_are_read(tmp_path: Path) -> None:
    many = 3 * sources._OPEN
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    receipt = write_shard(tmp_path, NAME, samples(range(many), tmp_path), PLAN)
    assert receipt.count == many
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def refused(folder: Path, given_: list[ShardSample]) -> str:
    """Return the sentence of a shard that cannot be written; nothing of it may stand."""
    with pytest.raises(ToolkitError) as caught:
        write_shard(folder, NAME, given_, PLAN)
    assert not (folder / NAME).exists() and not receipt_path(folder, NAME).exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_key_or_a_file_that_comes_twice_is_refused(tmp_path: Path) -> None:
    assert "the key s-000001 comes twice" in refused(tmp_path, [sample(1), sample(2), sample(1)])
    text = sample(1).files[1]
    double = ShardSample(key="double", files=(text, text))
    assert "the key double comes twice" in refused(tmp_path, [double])


def test_a_source_that_is_missing_cut_or_no_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    given_ = list(samples(range(1, 6), folder))
    path = folder / "4.jpg"
    whole = path.read_bytes()
    path.unlink()
    assert f"source file {path} cannot be read (No such file" in refused(tmp_path / "o", given_)
    path.write_bytes(whole[:-1])
    assert f"the source file {path} was cut" in refused(tmp_path / "o", given_)
    path.unlink()
    path.mkdir()
    assert f"the source {path} is not a file" in refused(tmp_path / "o", given_)
    path.rmdir()
    os.mkfifo(path)
    assert f"the source {path} is not a file" in refused(tmp_path / "o", given_)


def test_a_source_that_is_cut_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_ = list(samples(range(1, 6), tmp_path))
    monkeypatch.setattr(sources, "_opened", lambda path: (os.open(path, os.O_RDONLY), 10**9))
    (tmp_path / "4.jpg").write_bytes(b"short")
    assert "4.jpg was cut" in refused(tmp_path / "o", given_)


def test_another_image_than_planned_is_refused(tmp_path: Path) -> None:
    planned = hashlib.sha256(content(5, 513)).hexdigest()
    right = replace(sample(5, size=513), image_sha256=planned)
    wrong = replace(sample(6, size=513), image_sha256=planned)
    assert write_shard(tmp_path / "right", NAME, [right], PLAN).count == 1
    assert "the image of s-000006" in refused(tmp_path, [right, wrong])


def test_a_sample_larger_than_readers_take_is_refused_by_its_file(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as stream:
        stream.truncate(MAX_SAMPLE)
    files = (ShardFile(extension="png", content=Span(path=stream.name, length=MAX_SAMPLE)),)
    with pytest.raises(ToolkitError, match=r"the sample a in .*huge.png takes 268,435,968 bytes"):
        write_shard(tmp_path, NAME, [ShardSample(key="a", files=files)], PLAN)
    assert not (tmp_path / NAME).exists()


def test_a_shard_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "has no sample" in refused(tmp_path, [])


def test_only_a_shard_of_the_same_plan_and_size_is_done(tmp_path: Path) -> None:
    assert not is_done(tmp_path, NAME, PLAN)
    write_shard(tmp_path, NAME, samples(range(3)), PLAN)
    assert is_done(tmp_path, NAME, PLAN)
    assert not is_done(tmp_path, NAME, "0" * 64)
    assert not is_done(tmp_path, "tiny-000001.tar", PLAN)
    other = "other-000000.tar"
    shutil.copy(receipt_path(tmp_path, NAME), receipt_path(tmp_path, other))
    shutil.copy(tmp_path / NAME, tmp_path / other)
    assert not is_done(tmp_path, other, PLAN)
    with (tmp_path / NAME).open("ab") as stream:
        stream.write(b"x")
    assert not is_done(tmp_path, NAME, PLAN)
    (tmp_path / NAME).unlink()
    assert not is_done(tmp_path, NAME, PLAN)
    receipt_path(tmp_path, NAME).write_text("{")
    assert not is_done(tmp_path, NAME, PLAN)


def test_the_manifest_lists_every_receipt_and_refuses_an_unbuilt_shard(tmp_path: Path) -> None:
    manifest = make_mixture(tmp_path, 3)
    stored = Manifest.model_validate_json((tmp_path / "manifest.json").read_bytes())
    receipts = [read_receipt(tmp_path, name) for name in manifest.shards]
    assert stored == manifest and len(receipts) == 3
    assert all(isinstance(one, Receipt) for one in receipts)
    assert manifest.samples == 12 and manifest.bytes == sum(one.bytes for one in receipts if one)
    for name, sha256 in manifest.shards.items():
        assert file_digest(receipt_path(tmp_path, name)) == sha256
    receipt_path(tmp_path, "tiny-000001.tar").unlink()
    with pytest.raises(ToolkitError, match="1 of 3 shards .* not built.*tiny-000001.tar"):
        write_manifest(tmp_path, [*manifest.shards], PLAN)


def test_text_alone_makes_a_shard(tmp_path: Path) -> None:
    texts = [
        ShardSample(
            key=f"t-{n}",
            files=(ShardFile(extension="json", content=json.dumps({"id": n}).encode()),),
        )
        for n in range(3)
    ]
    write_shard(tmp_path, NAME, texts, PLAN)
    expected = [file for text in texts for file in given_files(text)]
    assert read_by_tarfile(tmp_path / NAME) == expected
    assert read_by_webdataset(tmp_path / NAME) == expected
