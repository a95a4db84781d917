"""Fixtures: a real MediaWiki, once a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .mediawiki import MediaWiki, build, load_real_pages, serve


@pytest.fixture(scope="session")
def mediawiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWiki]:
    """Serve a real MediaWiki that holds the pages of tests/data/wiki_api."""
    wiki = build(tmp_path_factory.mktemp("mediawiki") / "wiki")
    with serve(wiki):
        yield wiki


@pytest.fixture(scope="session")
def real_mediawiki(mediawiki: MediaWiki, shared_data: Path) -> MediaWiki:
    """Add real articles of English Wikipedia to the MediaWiki."""
    load_real_pages(mediawiki, shared_data / "wiki_xml")
    return mediawiki
