"""Photographs of two classes from a strict server: chosen, credited, refused, compared."""

import csv
import hashlib
import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.builders.commons.collect import collect
from imagewikiqa.builders.commons.settings import Caps, Wikis
from imagewikiqa.builders.images import load_images
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.wiki.strict_server import KINDS, keyed_faults

from .commons_site import CommonsFile, CommonsServer, CommonsSite
from .pictures import jpeg, picture, retouched, saved
from .world import (
    CLASSES,
    LION,
    RULES,
    TIGER,
    article,
    file,
    files_in,
    gather,
    photos_in,
    reasons_in,
    tree,
    wikis,
)

TEXT = "'''Tiger''' is a cat. [[File:Tiger lead.jpg|thumb]] [[File:Tiger zoo.jpg]] {}"
CATEGORY = "{{Commons category|Panthera tigris}}"


def site(*files: CommonsFile, text: str = CATEGORY, **options: int) -> CommonsSite:
    """Return a site with an article on tigers, one on lions, and files."""
    lions = article(2, "Lion", "'''Lion''' is a cat. [[File:Lion lead.jpg]]")
    return CommonsSite([article(1, "Tiger", TEXT.format(text)), lions], files, **options)


def four() -> tuple[CommonsFile, ...]:
    return (
        file("Tiger lead.jpg", 1),
        file("Tiger zoo.jpg", 2),
        file("A tiger.jpg", 3, "Panthera tigris"),
        file("Lion lead.jpg", 4),
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


LICENCES = {
    "nc": {"LicenseShortName": "CC BY-NC 4.0", "License": "cc-by-nc-4.0", "LicenseUrl": ""},
    "nd": {"LicenseShortName": "CC BY-ND 3.0", "License": "", "LicenseUrl": ""},
    "fair use": {"LicenseShortName": "Fair use", "License": "", "LicenseUrl": ""},
    "gfdl": {"LicenseShortName": "GFDL", "License": "gfdl", "LicenseUrl": ""},
    "none": {"LicenseShortName": "", "License": "", "LicenseUrl": ""},
    "two": {"LicenseShortName": "CC BY 4.0", "License": "cc-by-sa-4.0", "LicenseUrl": ""},
}


def test_licences_outside_the_list_are_refused_and_listed(tmp_path: Path) -> None:
    files = [
        file(f"Tiger {name}.jpg", 10 + at, "Panthera tigris", said=said)
        for at, (name, said) in enumerate(LICENCES.items())
    ]
    undescribed = file("Tiger blank.jpg", 30, "Panthera tigris")
    bare = CommonsFile(
        title="File:Tiger bare.jpg", data=undescribed.data, width=400, height=300, said=None,
        categories=("Panthera tigris",),
    )  # fmt: skip
    with CommonsServer(site(*four(), *files, bare), RULES) as server:
        report = gather(server, tmp_path)
    assert report.photos == 4
    reasons = reasons_in(tmp_path)
    assert reasons == {
        "Tiger nc.jpg": "not free",
        "Tiger nd.jpg": "not free",
        "Tiger fair use.jpg": "not free",
        "Tiger gfdl.jpg": "licence not on the list",
        "Tiger none.jpg": "no licence stated",
        "Tiger two.jpg": "licence contradicts itself",
        "Tiger bare.jpg": "no licence stated",
    }
    assert not any(path.rpartition("/")[2].startswith("Tiger_n") for path in server.sent)
    assert {photo.licence.id for photo in photos_in(tmp_path)} == {"CC-BY-SA-4.0"}


def test_pictures_that_look_the_same_stay_once_where_they_rank_best(tmp_path: Path) -> None:
    original = picture(1)
    copies = [
        file("Tiger again.jpg", 0, "Panthera tigris", data=jpeg(retouched(original)),
             width=300, height=225),
        file("Tiger same.jpg", 1, "Panthera tigris"),
        file("Lion by mistake.jpg", 0, "Lion", data=jpeg(retouched(picture(2))),
             width=300, height=225),
        file("Both.jpg", 9, "Panthera tigris", "Lion"),
        file("Tiger shared.jpg", 8, "Panthera tigris"),
        file("Lion shared.jpg", 0, "Lion", data=jpeg(retouched(picture(8))), width=300, height=225),
    ]  # fmt: skip
    with CommonsServer(site(*four(), *copies), RULES) as server:
        gather(server, tmp_path, min_side=200)
    assert reasons_in(tmp_path) == {
        "Tiger again.jpg": "same picture in this class",
        "Tiger same.jpg": "same file in this class",
        "Lion by mistake.jpg": "same picture in another class",
        "Both.jpg": "same file in another class",
        "Tiger shared.jpg": "same picture in another class",
        "Lion shared.jpg": "same picture in another class",
    }
    assert {p.title for p in photos_in(tmp_path)} == {one.title for one in four()}


def test_classes_with_one_article_share_no_picture(tmp_path: Path) -> None:
    twin = ClassEntry(id="n1", name="big tiger", title="Tiger")
    with CommonsServer(site(*four()), RULES) as server:
        report = gather(server, tmp_path, (*CLASSES, twin))
    assert report.classes == {TIGER.id: 0, LION.id: 1, "n1": 0}
    assert report.rejects == {"same file in another class": 6}


def test_limits_hold_and_are_counted(tmp_path: Path) -> None:
    big = picture(20, 1200, 900)
    files = [
        file("Tiger small.jpg", 21, "Panthera tigris", data=jpeg(picture(21, 300, 200)),
             width=300, height=200),
        file("Tiger wide.jpg", 22, "Panthera tigris", data=jpeg(big), width=1200, height=900,
             thumb=jpeg(big.resize((960, 720)))),
        file("Tiger heavy.jpg", 23, "Panthera tigris",
             data=saved(picture(23, 700, 500), "PNG"), mime="image/png", width=700, height=500),
        file("Tiger long.jpg", 24, "Panthera tigris", data=jpeg(picture(24, 800, 600)),
             width=800, height=600),
    ]  # fmt: skip
    with CommonsServer(site(*four(), *files), RULES) as server:
        gather(server, tmp_path, max_bytes=350_000, max_pixels=470_000)
    assert reasons_in(tmp_path) == {
        "Tiger small.jpg": "too small",
        "Tiger wide.jpg": "too many pixels",
        "Tiger heavy.jpg": "too many bytes",
        "Tiger long.jpg": "too many pixels",
    }
    with CommonsServer(site(*four(), *files), RULES) as server:
        report = gather(server, tmp_path, out="two", per_class=2, reserve=1, candidates=3)
    assert report.classes == {TIGER.id: 2, LION.id: 1}
    assert report.unseen == 4 and report.spare == 1
    assert [p.why for p in photos_in(tmp_path, "two")] == ["lead image", "lead image", "article"]


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


def test_what_is_no_photograph_is_refused(tmp_path: Path) -> None:
    palette = saved(picture(31).convert("P"), "PNG")
    files = [
        file("Tiger.svg", 1, "Panthera tigris", mime="image/svg+xml"),
        file("Tiger.pdf", 1, "Panthera tigris", mime="application/pdf"),
        file("Tiger range map.png", 32, "Panthera tigris"),
        file("Tiger logo.jpg", 33, "Panthera tigris"),
        file("Old tiger.jpg", 34, "Panthera tigris", said={"Categories": "Drawings of tigers"}),
        file("Tiger tiff.jpg", 35, "Panthera tigris", mime="image/tiff"),
        file("Tiger colours.png", 0, "Panthera tigris", data=palette, mime="image/png"),
        file("Tiger page.jpg", 0, "Panthera tigris", data=b"<html>gone</html>"),
        file("Tiger doubt.jpg", 36, "Panthera tigris",
             said={"Categories": "License review needed"}),
        file("Tiger leaving.jpg", 37, "Panthera tigris", said={"DeletionReason": "copyvio"}),
    ]  # fmt: skip
    with CommonsServer(site(*four(), *files), RULES) as server:
        gather(server, tmp_path)
    assert reasons_in(tmp_path) == {
        "Tiger.svg": "format",
        "Tiger.pdf": "format",
        "Tiger range map.png": "name of no photograph",
        "Tiger logo.jpg": "name of no photograph",
        "Old tiger.jpg": "category of no photograph",
        "Tiger tiff.jpg": "format",
        "Tiger colours.png": "drawn in a palette",
        "Tiger page.jpg": "html",
        "Tiger doubt.jpg": "rights in doubt",
        "Tiger leaving.jpg": "nominated for deletion",
    }


def test_hostile_words_and_names_stay_words(tmp_path: Path) -> None:
    artist = (
        "<script>alert(1)</script><b onclick='x()'>Ann\u202e\x00\t\n=cmd|' /C calc'!A0</b>"
        '<span style="display: none;">hidden</span><img src=x onerror=alert(1)>&lt;b&gt;'
    )
    names = [
        "..%2F..%2Fetc%2Fpasswd.jpg",
        "Tigre à l'œil – 虎.jpg",
        "Ti\u202eger.jpg",
        "a" * 200 + ".jpg",
    ]
    files = [
        file(name, 40 + at, "Panthera tigris", said={"Artist": artist})
        for at, name in enumerate(names)
    ]
    formula = file("Tiger formula.jpg", 50, "Panthera tigris", said={"Artist": "=HYPERLINK(1)"})
    with CommonsServer(site(*files, formula), RULES) as server:
        gather(server, tmp_path)
    photos = photos_in(tmp_path)
    assert len(photos) == 5
    for photo in photos:
        inside = (tmp_path / "out/images" / photo.id).resolve()
        assert inside.parent == (tmp_path / "out/images" / TIGER.id).resolve() and inside.is_file()
        assert photo.id.isascii()
    assert {p.author for p in photos} == {"Ann =cmd|' /C calc'!A0<b>", "=HYPERLINK(1)"}
    text = (tmp_path / "out/ATTRIBUTION.tsv").read_text(encoding="utf-8")
    assert {line.count("\t") for line in text.splitlines()} == {11}
    assert "\t'=HYPERLINK(1)\t" in text


def test_files_that_are_not_what_was_published_are_refused(tmp_path: Path) -> None:
    published = file("Tiger zoo.jpg", 2)
    swapped = file("Tiger swapped.jpg", 60, "Panthera tigris", served=jpeg(picture(61)))
    other_shape = file(
        "Tiger shape.jpg", 62, "Panthera tigris", width=1200, height=900,
        thumb=jpeg(picture(63, 300, 400)),
    )  # fmt: skip
    renamed = file("Tiger png.jpg", 0, "Panthera tigris", data=saved(picture(64), "PNG"))
    lost = file("Tiger lost.jpg", 65, "Panthera tigris")
    away = file("Tiger away.jpg", 66, "Panthera tigris")
    loop = file("Tiger drawn.jpg", 67, "Panthera tigris")
    endless = file("Tiger endless.jpg", 68, "Panthera tigris")
    elsewhere = file(
        "Tiger elsewhere.jpg", 69, "Panthera tigris", info={"url": "http://evil.test/x.jpg"}
    )
    script = file("Tiger script.jpg", 70, "Panthera tigris",
                  info={"descriptionurl": "javascript:alert(1)"})  # fmt: skip

    def oddly(path: str) -> tuple[int, dict[str, str], bytes] | None:
        if "lost" in path:
            return 404, {}, b""
        if "away" in path:
            return 302, {"Location": "http://127.0.0.1:1/x.jpg"}, b""
        if "drawn" in path:
            return 500, {}, b"Error generating thumbnail"
        if "endless" in path:
            return 200, {"Connection": "close", "Content-Length": "99999999"}, b"x"
        return None

    files = [published, swapped, other_shape, renamed, lost, away, loop, endless, elsewhere, script]
    with CommonsServer(site(*files), RULES, oddly=oddly) as server:
        gather(server, tmp_path)
    assert reasons_in(tmp_path) == {
        "Tiger lead.jpg": "not on Commons",
        "Lion lead.jpg": "not on Commons",
        "Tiger swapped.jpg": "sha1 differs",
        "Tiger shape.jpg": "not the picture described",
        "Tiger png.jpg": "format",
        "Tiger lost.jpg": "not served",
        "Tiger away.jpg": "address elsewhere",
        "Tiger drawn.jpg": "not served",
        "Tiger endless.jpg": "too many bytes",
        "Tiger elsewhere.jpg": "address elsewhere",
        "Tiger script.jpg": "address elsewhere",
    }
    assert server.record.violations == []


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


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    strange = tmp_path / "out/images/n02129604/holiday.jpg"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"mine")
    stale = strange.with_name("old-tiger-0123456789.jpg")
    stale.write_bytes(b"of a cut run")
    with CommonsServer(site(*four()), RULES) as server:
        with pytest.raises(ToolkitError, match="holiday.jpg was not made by this command"):
            gather(server, tmp_path)
        strange.rename(tmp_path / "holiday.jpg")
        gather(server, tmp_path)
    assert not stale.exists()


def test_a_class_id_that_is_no_folder_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    for identity in ("..", "a/b", "a\\b", ".hidden", "a\x00b", "dot."):
        wrong = ClassEntry(id=identity, name="tiger")
        with CommonsServer(site(*four()), RULES) as server:
            with pytest.raises(ToolkitError, match="cannot name a folder"):
                gather(server, tmp_path, (wrong,))
        assert server.record.seen == []


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


def test_limits_that_make_no_sense_are_refused() -> None:
    for wrong in ({"width": 800}, {"per_class": 0}, {"reserve": -1}, {"max_pixels": 100}):
        with pytest.raises(ToolkitError):
            Caps(**wrong)


def test_images_open_and_are_large_enough(tmp_path: Path) -> None:
    with CommonsServer(site(*four()), RULES) as server:
        collect(CLASSES, tmp_path / "out", wikis(server), files_in(tmp_path), workers=2)
    for photo in photos_in(tmp_path):
        data = (tmp_path / "out/images" / photo.id).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (photo.width, photo.height)
        assert min(photo.width, photo.height) >= 256
