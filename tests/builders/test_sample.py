"""The embedded sample is a source of pages for ImageNet classes."""

from imagewikiqa.builders.pages import make_page, match, open_source
from imagewikiqa.builders.sample import read_sample, sample_classes
from imagewikiqa.core.records import Page


def test_every_sample_article_belongs_to_an_imagenet_class() -> None:
    entries = sample_classes()
    pages = list(read_sample())
    assert len(pages) == len(entries) >= 40
    assert [page.class_id for page in pages] == [entry.id for entry in entries]
    indices = [entry.index for entry in entries if entry.index is not None]
    assert indices == sorted(indices) and len(indices) == len(entries)


def test_sample_pages_say_who_they_are() -> None:
    page, entry = next(read_sample()), sample_classes()[0]
    assert entry.index is not None
    assert (page.page_id, page.revision_id) == (entry.index + 1, 1)
    assert page.url == f"urn:imagewikiqa:sample:{entry.id}:1"
    assert page.license == "CC-BY-4.0"
    assert page.title == entry.title or page.title == entry.name


def test_every_sample_class_gets_a_clean_page_with_facts() -> None:
    matched = match(open_source("sample"), sample_classes())
    assert not list(matched.rejects)
    pages = [make_page(page) for page in matched.pages]
    assert len(pages) == len(sample_classes())
    for page in pages:
        assert isinstance(page, Page)
        assert len(page.facts) >= 5, page.title
        assert len(page.sections) >= 4, page.title
        assert not [
            mark for mark in ("{{", "}}", "[[", "]]", "''", "<ref", "|") if mark in page.text
        ]
