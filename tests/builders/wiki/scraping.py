"""A process that scrapes titles from a wiki of this machine, to be killed by tests."""

import json
import sys
from pathlib import Path

from imagewikiqa.builders.wiki.settings import Limits, Site
from imagewikiqa.builders.wiki.source import WikiFiles, scrape

CONTACT = "operator@lab.test"


def site_at(api: str, *, per_second: float = 3.0, tries: int = 12) -> Site:
    """Return a wiki of this machine and how gently to ask it, with short waits after failures."""
    limits = Limits(
        per_second=per_second, tries=tries, backoff=0.02, longest_backoff=0.2, pause=1.0
    )
    return Site(api=api, contact=CONTACT, license="CC-BY-SA-4.0", limits=limits)


def files_in(folder: Path, name: str = "") -> WikiFiles:
    """Return a store in a folder, and pins of one process's own."""
    return WikiFiles(
        store=folder / "store.sqlite", pins=folder / f"pins{name}.jsonl", limits=folder / "limits"
    )


def main() -> None:
    """Scrape as the arguments say: API, folder, name of the pins, requests a second, titles."""
    api, folder, name, per_second, titles = sys.argv[1:]
    asked = json.loads(Path(titles).read_text(encoding="utf-8"))
    scrape(asked, site_at(api, per_second=float(per_second)), files_in(Path(folder), name))


if __name__ == "__main__":
    main()
