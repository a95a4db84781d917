"""What is refused and why: licences, limits, drawings, hostile words, files that are not theirs."""

from pathlib import Path

import pytest

from imagewikiqa.builders.commons.settings import Caps
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

from .commons_site import CommonsFile, CommonsServer
from .pictures import jpeg, picture, retouched, saved
from .world import (
    LION,
    RULES,
    TIGER,
    file,
    four,
    gather,
    photos_in,
    reasons_in,
    site,
)

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


def test_limits_that_make_no_sense_are_refused() -> None:
    for wrong in ({"width": 800}, {"per_class": 0}, {"reserve": -1}, {"max_pixels": 100}):
        with pytest.raises(ToolkitError):
            Caps(**wrong)


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
