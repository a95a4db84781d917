"""Photographs of two classes from a strict server: chosen, credited, refused, compared."""

import csv
import hashlib
import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.builders.commons.collect import collect
from imagewikiqa.builders.commons.settings import Wikis
from imagewikiqa.builders.images import load_images
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.wiki.strict_server import KINDS, keyed_faults

from .commons_site import CommonsServer, CommonsSite
from .pictures import jpeg, picture
from .world import (
    CATEGORY,
    CLASSES,
    LION,
    RULES,
    TEXT,
    TIGER,
    article,
    file,
    files_in,
    four,
    gather,
    photos_in,
    reasons_in,
    site,
    tree,
    wikis,
)


def test_every_pixel_has_its_complete_credit(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        report = gather(server, tmp_path)
    photos = photos_in(tmp_path)
    assert server.record.violations == []
    assert [(p.class_id, p.title, p.why, p.found_in) for p in photos] == [
        (LION.id, "File:Lion lead.jpg", "lead image", "Lion"),
        (TIGER.id, "File:Tiger lead.jpg", "lead image", "Tiger"),
        (TIGER.id, "File:Tiger zoo.jpg", "article", "Tiger"),
        (TIGER.id, "File:A tiger.jpg", "category", "Panthera tigris"),
    ]
    assert report.photos == 4 and report.classes == {TIGER.id: 3, LION.id: 1}
    with (tmp_path / "out/ATTRIBUTION.tsv").open(encoding="utf-8", newline="") as stream:
        rows = [*csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)]
    by_image = {row["image"]: row for row in rows}
    images = sorted(p for p in (tmp_path / "out/images").rglob("*") if p.is_file())
    assert sorted(by_image) == [p.relative_to(tmp_path / "out").as_posix() for p in images]
    for path, photo in zip(images, sorted(photos, key=lambda p: p.id), strict=True):
        row = by_image[f"images/{photo.id}"]
        assert row["sha256"] == photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert all(row.values())
        assert row["author"] == "Ann Example"
        assert row["licence"] == "CC-BY-SA-4.0"
        assert row["licence_url"] == "https://creativecommons.org/licenses/by-sa/4.0/"
        assert row["source_page"].startswith(f"http://{server.api.split('/')[2]}/wiki/File%3A")
        assert row["changes"] == "none"


def test_the_folder_of_images_is_one_that_the_main_job_reads(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        gather(server, tmp_path)
    refs, rejects = load_images(f"folder:{tmp_path / 'out/images'}", CLASSES)
    assert rejects == []
    assert {(ref.id, ref.class_id, ref.sha256) for ref in refs} == {
        (photo.id, photo.class_id, photo.sha256) for photo in photos_in(tmp_path)
    }


def test_classes_with_one_article_share_no_picture(tmp_path: Path) -> None:
    twin = ClassEntry(id="n1", name="big tiger", title="Tiger")
    with CommonsServer(site(*four()), RULES) as server:
        report = gather(server, tmp_path, (*CLASSES, twin))
    assert report.classes == {TIGER.id: 0, LION.id: 1, "n1": 0}
    assert report.rejects == {"same file in another class": 6}


def test_a_large_original_is_fetched_smaller_and_says_so(tmp_path: Path) -> None:
    big = picture(20, 1200, 900)
    thumb = jpeg(big.resize((960, 720)))
    lead = file("Tiger lead.jpg", 1, data=jpeg(big), width=1200, height=900, thumb=thumb)
    with CommonsServer(site(lead), RULES) as server:
        gather(server, tmp_path)
    (photo,) = photos_in(tmp_path)
    assert (photo.is_original, photo.width, photo.height) == (False, 960, 720)
    assert "from 1200 x 900 to 960 x 720" in photo.changes
    assert photo.original_sha1 == hashlib.sha1(lead.data).hexdigest()
    assert (tmp_path / "out/images" / photo.id).read_bytes() == thumb


def test_descriptions_are_continued_and_older_versions_are_not_asked_for(tmp_path: Path) -> None:
    many = [
        file(f"Tiger {at:03d}.jpg", 1000 + at, "Panthera tigris", width=200, height=200)
        for at in range(101)
    ]
    with CommonsServer(site(*many, files_a_reply=20), RULES) as server:
        report = gather(server, tmp_path)
    asked = [one.parameters for one in server.record.seen if "iiprop" in one.parameters]
    assert len(asked) > 5 and any("iicontinue" in one for one in asked)
    assert report.rejects == {"not on Commons": 3, "too small": 101}
    assert server.record.violations == []


def test_a_redirected_title_is_the_same_file(tmp_path: Path) -> None:
    stub = file("Tiger old name.jpg", 1, "Panthera tigris", redirect="File:Tiger lead.jpg")
    with CommonsServer(site(*four(), stub), RULES) as server:
        gather(server, tmp_path)
    assert reasons_in(tmp_path) == {"Tiger old name.jpg": "same file in this class"}


def test_the_category_is_named_by_the_template_else_by_the_title(tmp_path: Path) -> None:
    plain = file("Some tiger.jpg", 80, "Tiger")
    other = file("Other tiger.jpg", 81, "Tigers")
    with CommonsServer(site(plain, other, text="{{Commons category|Tigers}}"), RULES) as server:
        gather(server, tmp_path)
    assert [p.title for p in photos_in(tmp_path)] == ["File:Other tiger.jpg"]
    with CommonsServer(site(plain, other, text="{{Commons category}}"), RULES) as server:
        gather(server, tmp_path / "two")
    assert [p.title for p in photos_in(tmp_path / "two")] == ["File:Some tiger.jpg"]


def test_a_template_without_a_name_leads_where_the_finished_page_links(tmp_path: Path) -> None:
    text = "{{Commons category|A%20b#c}}{{Commons category|:x}} [[commons:Category:Tigers]]"
    plain = file("Some tiger.jpg", 80, "Tiger")
    other = file("Other tiger.jpg", 81, "Tigers")
    with CommonsServer(site(plain, other, text=text), RULES) as server:
        gather(server, tmp_path)
    assert [p.title for p in photos_in(tmp_path)] == ["File:Other tiger.jpg"]
    assert server.record.violations == []


def test_titles_without_an_article_give_nothing_and_are_counted(tmp_path: Path) -> None:
    pages = [
        article(1, "Tiger", TEXT.format(CATEGORY)),
        article(3, "Crane", "[[File:Tiger zoo.jpg]] {{disambiguation}}"),
        article(4, "Big cat", "[[File:Lion lead.jpg]] [[File:Tiger zoo.jpg]]"),
    ]
    classes = (
        ClassEntry(id="t", name="tiger", title="Tiger | Big cat"),
        ClassEntry(id="c", name="crane"),
        ClassEntry(id="n", name="nothing at all"),
    )
    with CommonsServer(CommonsSite(pages, four()), RULES) as server:
        report = gather(server, tmp_path, classes)
    assert report.classes == {"t": 4, "c": 0, "n": 0}
    assert report.articles == {
        "disambiguation page": 1, "missing page": 1, "page": 2, "redirect to a section": 0,
    }  # fmt: skip
    by_title = {photo.title: (photo.why, photo.found_in) for photo in photos_in(tmp_path)}
    assert by_title["File:Lion lead.jpg"] == ("lead image", "Big cat")
    assert by_title["File:Tiger zoo.jpg"] == ("article", "Big cat")


def test_an_overloaded_site_is_waited_for(tmp_path: Path) -> None:
    told: list[str] = []

    def oddly(path: str) -> tuple[int, dict[str, str], bytes] | None:
        if "lead" in path and told.count(path) == 0:
            told.append(path)
            server.referee.told_to_wait({"file": path}, 1.0, everyone=True)
            return 429, {"Retry-After": "1"}, b""
        if "zoo" in path and told.count(path) < 2:
            told.append(path)
            return 503, {}, b""
        return None

    faults = keyed_faults(*KINDS, every=4, seed=3)
    with CommonsServer(site(*four()), RULES, oddly=oddly, faults=faults) as server:
        report = gather(server, tmp_path)
    assert report.photos == 4 and server.record.violations == []
    assert len(told) >= 4 and sum(server.record.faults.values()) > 0


def test_a_missing_extra_is_named_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imagehash", None)
    with CommonsServer(site(*four()), RULES) as server:
        with pytest.raises(MissingExtraError, match=r"imagewikiqa\[images\]"):
            gather(server, tmp_path)
    assert server.record.seen == []


def test_without_a_contact_nothing_is_asked(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        nobody = Site(api=server.api)
        with pytest.raises(ToolkitError, match="cannot be asked without a contact"):
            collect(
                CLASSES, tmp_path / "out", Wikis(articles=nobody, files=nobody), files_in(tmp_path)
            )
    assert server.record.seen == []


def test_the_same_command_asks_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        gather(server, tmp_path)
        first, requests = tree(tmp_path / "out"), len(server.record.seen)
        gather(server, tmp_path)
        assert tree(tmp_path / "out") == first
        assert len(server.record.seen) == requests
        gather(server, tmp_path, tuple(reversed(CLASSES)), out="two")
    assert len(server.record.seen) == requests
    assert tree(tmp_path / "two")["images.jsonl"] == first["images.jsonl"]
    assert set(server.sent.values()) == {1}


def test_a_damaged_stored_file_is_noticed(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        gather(server, tmp_path)
        for stored in (tmp_path / "media").glob("??/*"):
            stored.write_bytes(b"bits")
        with pytest.raises(ToolkitError, match="is damaged: delete it"):
            gather(server, tmp_path, out="two")


def test_a_set_that_no_server_gives_ends_the_run(tmp_path: Path) -> None:
    many = [file(f"Tiger {at}.jpg", 2000 + at, "Panthera tigris") for at in range(25)]
    with CommonsServer(site(*many), RULES, oddly=lambda path: (400, {}, b"")) as server:
        with pytest.raises(ToolkitError, match="20 pictures in a row could not be had"):
            gather(server, tmp_path)


def test_images_open_and_are_large_enough(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        collect(CLASSES, tmp_path / "out", wikis(server), files_in(tmp_path), workers=2)
    for photo in photos_in(tmp_path):
        data = (tmp_path / "out/images" / photo.id).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (photo.width, photo.height)
        assert min(photo.width, photo.height) >= 256
