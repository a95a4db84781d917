"""What Commons really answered about a file, as recorded by others."""

import json
from pathlib import Path
from typing import Any

import httpx

from imagewikiqa.builders.commons.credits import credit_of
from imagewikiqa.builders.commons.describe import describe
from imagewikiqa.builders.commons.licences import licence_of
from imagewikiqa.builders.commons.records import FileFacts
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.commons.settings import commons_site
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.limiter import Limiter

TITLE = "File:Douglas adams portrait cropped.jpg"
MISSING = "File:ThisFileDoesNotExist12345.png"


def recorded(shared_data: Path) -> dict[str, Any]:
    """Return the recorded answer, as Commons itself gives it: the file is at home there."""
    lines = (shared_data / "wiki_api_recordings/wptools.jsonl").read_text("utf-8").splitlines()
    (body,) = [row["body"] for row in map(json.loads, lines) if "extmetadata" in row["url"]]
    reply: dict[str, Any] = json.loads(body)
    (page,) = reply["query"]["pages"]
    del page["missing"], page["known"]
    # The recording did not ask for these; they stand as in the other recordings of imageinfo.
    page["imageinfo"][0] |= {"sha1": "51f46ff9897d9125b0d0a513fb5099d2a9462282", "user": "Beao",
                             "mime": "image/jpeg"}  # fmt: skip
    reply["query"]["pages"].append({"ns": 6, "title": MISSING, "missing": True})
    return reply


def test_a_recorded_description_gives_licence_author_and_pages(
    shared_data: Path, tmp_path: Path
) -> None:
    reply, asked = recorded(shared_data), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=reply)

    site = commons_site("operator@lab.test")
    with open_store(tmp_path / "store") as store:
        limiter = Limiter("test", site.limits, tmp_path / "limits")
        with WikiApi(site, store, limiter=limiter, inner=httpx.MockTransport(answer)) as api:
            found = describe([TITLE, MISSING], api, 960)
    assert len(asked) == 1  # the answer goes on to older versions, which nobody wants
    facts, missing = found[TITLE], found[MISSING]
    assert isinstance(missing, RefusedError) and missing.reason == "not on Commons"
    assert isinstance(facts, FileFacts)
    assert facts.source_page.endswith("/wiki/File:Douglas_adams_portrait_cropped.jpg")
    assert facts.url == facts.fetch_url and facts.url.startswith("https://upload.wikimedia.org/")
    assert (facts.width, facts.height, facts.bytes) == (333, 386, 32915)
    licence = licence_of(facts.said, facts.source_page)
    assert licence.id == "CC-BY-SA-2.0" and licence.attribution_required
    assert licence.url == "https://creativecommons.org/licenses/by-sa/2.0/"
    credit = credit_of(facts.said, licence)
    assert credit.author == (
        "Douglas_adams_portrait.jpg: michael hughes from berlin, germany; derivative work: Beao"
    )
    assert credit.source == "Douglas_adams_portrait.jpg"
    assert credit.usage_terms == "Creative Commons Attribution-Share Alike 2.0"
