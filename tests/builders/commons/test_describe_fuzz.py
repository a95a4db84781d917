"""Whatever a reply says about a file, it gives facts or a reason, and rows that can be written."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.commons.candidates import Candidate
from imagewikiqa.builders.commons.describe import describe
from imagewikiqa.builders.commons.photos import judged
from imagewikiqa.builders.commons.records import FileFacts
from imagewikiqa.builders.commons.refusal import RefusedError, reject_row
from imagewikiqa.builders.commons.settings import Caps, commons_site
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.settings import Limits, Site
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

CALM = commons_site("operator@lab.test")
SITE = Site(
    api=CALM.api, contact=CALM.contact, media_hosts=CALM.media_hosts,
    limits=Limits(per_second=10_000.0, tries=1),
)  # fmt: skip
GOOD: dict[str, Any] = {
    "url": "https://upload.wikimedia.org/a/X.jpg",
    "descriptionurl": "https://commons.wikimedia.org/wiki/File:X.jpg",
    "sha1": "0" * 40,
    "size": 9,
    "width": 600,
    "height": 600,
    "mime": "image/jpeg",
    "timestamp": "2020-01-01T00:00:00Z",
    "user": "Ann",
    "extmetadata": {
        "Artist": {"value": "Ann"},
        "LicenseShortName": {"value": "CC BY 4.0"},
        "Categories": {"value": "Cats"},
    },
}
WORDS = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from(["http://[", "//", "https://upload.wikimedia.org:0/", "\ud800", "a\x00b",
                     "https://u@upload.wikimedia.org/", "https://upload.wikimedia.org/\n"]),
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["value", "Artist", "License", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)
ENTRY = ClassEntry(id="c", name="cat")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(sorted([*GOOD, "thumburl"])), JSON, max_size=3),
    st.dictionaries(st.sampled_from(["Artist", "License", "Categories", "Credit"]), JSON),
)
def test_any_description_gives_facts_or_a_reason(
    tmp_path: Path, wrong: dict[str, Any], said: dict[str, Any]
) -> None:
    extmetadata = GOOD["extmetadata"] | {key: {"value": value} for key, value in said.items()}
    info = GOOD | {"extmetadata": extmetadata} | wrong
    try:
        found = asked(tmp_path, {"ns": 6, "title": "File:X.jpg", "imageinfo": [info]})
    except ToolkitError as error:
        assert "no JSON object" in str(error)  # half a character spoils a reply
        return
    candidate = Candidate(class_id="c", title="File:X.jpg", why="article", found_in="Cat")
    try:
        usable = judged(candidate, found, ENTRY, Caps())
    except RefusedError as refused:
        reject_row("c", "File:X.jpg", refused).model_dump_json()
        return
    hosts = {urlsplit(one).netloc.lower() for one in (usable.facts.url, usable.facts.fetch_url)}
    assert hosts <= {SITE.host, *SITE.media_hosts}
    assert usable.credit.author and usable.licence.url
    usable.facts.model_dump_json()
    usable.credit.source.encode()


def test_the_good_description_is_usable(tmp_path: Path) -> None:
    found = asked(tmp_path, {"ns": 6, "title": "File:X.jpg", "imageinfo": [GOOD]})
    assert isinstance(found, FileFacts)


def asked(folder: Path, page: dict[str, Any]) -> FileFacts | RefusedError:
    """Return what is made of one page of a reply."""
    body = json.dumps({"query": {"pages": [page]}}).encode()
    answer = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    limiter = Limiter("t", SITE.limits, folder)
    with (
        TemporaryDirectory() as place,
        open_store(Path(place) / "store.sqlite") as store,
        WikiApi(SITE, store, limiter=limiter, inner=answer) as api,
    ):
        return describe(["File:X.jpg"], api, 960)["File:X.jpg"]
