"""Photographs of classes from Wikimedia Commons: found, judged, fetched once, credited, written."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from imagewikiqa.builders.commons.articles import read_articles
from imagewikiqa.builders.commons.candidates import Candidate, Found, find_candidates
from imagewikiqa.builders.commons.describe import Described, describe
from imagewikiqa.builders.commons.download import Fetched, download
from imagewikiqa.builders.commons.media import MediaClient, MediaStore
from imagewikiqa.builders.commons.photos import Usable, judged, photo_of
from imagewikiqa.builders.commons.pixels import look_at, require_hashes
from imagewikiqa.builders.commons.publish import check_class_ids, write_all
from imagewikiqa.builders.commons.records import WHYS, CollectReport, Media, Photo, Pixels
from imagewikiqa.builders.commons.refusal import RefusedError, reject_row
from imagewikiqa.builders.commons.settings import Caps, CommonsFiles, Wikis
from imagewikiqa.builders.commons.shares import Hashed, alike, contested
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.scrape import Scraped, read_pins, write_pins
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.store import ResponseStore
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry, Reject

PINS = "pins.jsonl"


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What became of everything that was found."""

    rejects: list[Reject] = field(default_factory=list)
    unseen: int = 0
    spare: int = 0

    def refuse(self, candidate: Candidate, refused: RefusedError) -> None:
        """Note a file that is not taken."""
        self.rejects.append(reject_row(candidate.class_id, candidate.title, refused))


def collect(
    classes: Sequence[ClassEntry],
    out: Path,
    wikis: Wikis,
    files: CommonsFiles,
    caps: Caps | None = None,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> CollectReport:
    """Write images/, images.jsonl, ATTRIBUTION.tsv, rejects.jsonl and pins.jsonl to `out`.

    Whatever was answered or fetched before is not asked for again, and the files are the same for
    the same answers, however often the run was killed. Raises ToolkitError when a wiki refuses,
    when a class id cannot name a folder, and MissingExtraError without the extra `images`.
    """
    require_hashes()
    caps = caps or Caps()
    check_class_ids(entry.id for entry in classes)
    tally = _Tally()
    with open_store(files.store) as store:
        scraped, usable = _choose(classes, out, wikis, files, store, caps, tally, progress)
    media = MediaStore(files.media)
    wanted = _first(usable, caps.per_class + caps.reserve, tally)
    fetched = _fetch(wanted, wikis.files, files, media, caps, progress)
    stored = {one.id: one for one in fetched.values() if isinstance(one, Media)}
    seen = look_at(stored.values(), files.media, out / "work", workers, progress)
    photos = _keep(wanted, fetched, seen, caps, tally)
    rejects = sorted(tally.rejects, key=lambda one: one.id)
    write_pins(out / PINS, scraped)
    write_all(out, photos, rejects, stored, files.media)
    return _report(classes, photos, scraped, tally)


def _choose(
    classes: Sequence[ClassEntry],
    out: Path,
    wikis: Wikis,
    files: CommonsFiles,
    store: ResponseStore,
    caps: Caps,
    tally: _Tally,
    progress: Progress | None,
) -> tuple[Scraped, list[Usable]]:
    """Return the articles, and every file that may be used by its description."""
    pins = read_pins(out / PINS) if (out / PINS).is_file() else {}
    with _api(wikis.articles, store, files) as api:
        scraped, articles = read_articles(classes, api, pins, progress)
    write_pins(out / PINS, scraped)  # a killed run goes on with the same revisions
    with _api(wikis.files, store, files) as api:
        found = find_candidates(classes, articles, api, caps.candidates, progress)
        titles = {one.title for some in found.values() for one in some.candidates}
        described = describe(titles, api, caps.width, progress)
    return scraped, _usable(classes, found, described, caps, tally)


def _api(site: Site, store: ResponseStore, files: CommonsFiles) -> WikiApi:
    limiter = Limiter(site.pool, site.limits, files.limits)
    return WikiApi(site, store, limiter=limiter, since=files.since)


def _usable(
    classes: Sequence[ClassEntry],
    found: Mapping[str, Found],
    described: Mapping[str, Described],
    caps: Caps,
    tally: _Tally,
) -> list[Usable]:
    """Judge descriptions, then let classes that claim one file settle it."""
    usable: list[Usable] = []
    for entry in classes:
        tally.rejects += found[entry.id].rejects
        tally.unseen += found[entry.id].unseen
        for candidate in found[entry.id].candidates:
            try:
                usable.append(judged(candidate, described[candidate.title], entry, caps))
            except RefusedError as refused:
                tally.refuse(candidate, refused)
    lost = contested((one.candidate, one.facts.sha1) for one in usable)
    return _without(usable, lost, tally)


def _without(
    usable: Iterable[Usable], lost: Mapping[Candidate, RefusedError], tally: _Tally
) -> list[Usable]:
    kept: list[Usable] = []
    for one in usable:
        if one.candidate in lost:
            tally.refuse(one.candidate, lost[one.candidate])
        else:
            kept.append(one)
    return kept


def _first(usable: Sequence[Usable], number: int, tally: _Tally) -> list[Usable]:
    """Return the best of each class, and count the rest as spare."""
    taken: Counter[str] = Counter()
    first: list[Usable] = []
    for one in sorted(usable, key=lambda one: (one.candidate.class_id, one.candidate.rank)):
        taken[one.candidate.class_id] += 1
        if taken[one.candidate.class_id] <= number:
            first.append(one)
        else:
            tally.spare += 1
    return first


def _fetch(
    wanted: Sequence[Usable],
    site: Site,
    files: CommonsFiles,
    media: MediaStore,
    caps: Caps,
    progress: Progress | None,
) -> dict[str, Fetched]:
    limiter = Limiter(site.pool, site.limits, files.limits)
    with closing(MediaClient(site, limiter, caps.max_bytes)) as client:
        return download((one.facts for one in wanted), media, client, caps.width, progress)


def _keep(
    wanted: Sequence[Usable],
    fetched: Mapping[str, Fetched],
    seen: Mapping[str, Pixels],
    caps: Caps,
    tally: _Tally,
) -> list[Photo]:
    """Judge pixels, let pictures that look the same settle it, and keep the best of each class."""
    photos: dict[Candidate, Photo] = {}
    for one in wanted:
        try:
            photos[one.candidate] = photo_of(one, fetched[one.facts.id], seen, caps)
        except RefusedError as refused:
            tally.refuse(one.candidate, refused)
    hashed = [
        Hashed(candidate=candidate, phash=photo.phash, dhash=photo.dhash)
        for candidate, photo in photos.items()
    ]
    left = _without([one for one in wanted if one.candidate in photos], alike(hashed), tally)
    return [photos[one.candidate] for one in _first(left, caps.per_class, tally)]


def _report(
    classes: Sequence[ClassEntry], photos: Sequence[Photo], scraped: Scraped, tally: _Tally
) -> CollectReport:
    counts = Counter(photo.class_id for photo in photos)
    refused = Counter(reject.reason for reject in tally.rejects)
    whys = Counter(photo.why for photo in photos)
    return CollectReport(
        photos=len(photos),
        bytes=sum(photo.bytes for photo in photos),
        classes={entry.id: counts[entry.id] for entry in classes},
        licences=dict(sorted(Counter(photo.licence.id for photo in photos).items())),
        found={why: whys[why] for why in WHYS},
        articles=scraped.counts,
        files=len(photos) + len(tally.rejects) + tally.unseen + tally.spare,
        rejects=dict(sorted(refused.items())),
        unseen=tally.unseen,
        spare=tally.spare,
    )
