"""Brings the pictures of files into the store, those that are missing, a few at a time."""

from collections.abc import Iterable

from imagewikiqa.builders.commons.media import MediaClient, MediaStore, key_of
from imagewikiqa.builders.commons.records import FileFacts, Media
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.wiki.side_by_side import side_by_side
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress, Silent

FAILURES_IN_A_ROW = 20
Fetched = Media | RefusedError


def download(
    wanted: Iterable[FileFacts],
    store: MediaStore,
    client: MediaClient,
    width: int,
    progress: Progress | None = None,
) -> dict[str, Fetched]:
    """Return the stored picture of each file, or why there is none, by the file's title.

    Files refused by the server are asked for again by the next run. Raises ToolkitError after 20
    failures in a row: then the network or the site is at fault, not a file.
    """
    files = {facts.id: facts for facts in sorted(wanted, key=lambda one: one.id)}
    found: dict[str, Fetched] = {}
    for title, facts in files.items():
        if (media := store.find(key_of(facts, width))) is not None:
            found[title] = media
    watcher = progress or Silent()
    watcher.begin("photographs", len(files), len(found))
    try:
        todo = [facts for title, facts in files.items() if title not in found]
        if todo:
            found |= _fetch_all(todo, store, client, width, watcher)
    finally:
        watcher.end()
    return found


def _fetch_all(
    todo: list[FileFacts], store: MediaStore, client: MediaClient, width: int, watcher: Progress
) -> dict[str, Fetched]:
    found: dict[str, Fetched] = {}
    failures = 0
    hopeless: ToolkitError | None = None

    def fetch(facts: FileFacts) -> Fetched:
        key = key_of(facts, width)
        try:
            return store.find(key) or store.add(key, client.fetch(facts))
        except RefusedError as refused:
            return refused

    with store.only_writer():
        for facts, one in zip(todo, side_by_side(fetch, todo, client.transport), strict=True):
            found[facts.id] = one
            failures = failures + 1 if isinstance(one, RefusedError) else 0
            if isinstance(one, RefusedError) and failures >= FAILURES_IN_A_ROW:
                hopeless = _hopeless(facts, one)
                break  # which ends the threads: an error that leaves the loop would not
            watcher.advance(1)
    if hopeless is not None:
        raise hopeless
    return found


def _hopeless(facts: FileFacts, last: RefusedError) -> ToolkitError:
    return ToolkitError(
        f"{FAILURES_IN_A_ROW} pictures in a row could not be had, the last one ({facts.id}) for"
        f" '{last.reason}: {last.detail[:100]}': open its address in a browser, and run the same"
        " command again when it is served"
    )
