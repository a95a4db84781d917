"""A process that collects photographs from a server of this machine, to be killed by tests."""

import sys
from pathlib import Path

from imagewikiqa.builders.commons.collect import collect
from imagewikiqa.builders.commons.settings import Caps, Wikis
from tests.builders.wiki.scraping import site_at

from .world import CLASSES, files_in


def main() -> None:
    """Collect as the arguments say: API, folder, name of the output, photographs a class."""
    api, folder, out, per_class = sys.argv[1:]
    site = site_at(api, per_second=30.0)
    caps = Caps(per_class=int(per_class))
    wikis = Wikis(articles=site, files=site)
    collect(CLASSES, Path(folder) / out, wikis, files_in(Path(folder)), caps)


if __name__ == "__main__":
    main()
