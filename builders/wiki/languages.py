"""The titles of articles in another language, by the links that Wikipedias keep between them."""

from collections.abc import Iterable, Sequence

from imagewikiqa.builders.raw import reject
from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.core.records import ClassEntry, Reject


def titles_in(language: str, titles: Iterable[str], api: WikiApi) -> dict[str, str]:
    """Return the title in a language for each title that has an article there; 50 a request."""
    pages = api.pages(titles, {"prop": "langlinks", "lllang": language, "lllimit": "max"})
    return {
        title: str(link["title"])
        for title, page in pages.items()
        for link in page.get("langlinks", [])
        if link["lang"] == language
    }


def translated(
    classes: Sequence[ClassEntry], language: str, api: WikiApi
) -> tuple[list[ClassEntry], list[Reject]]:
    """Return the classes with the titles of another language, and a Reject for each without one.

    `api` asks the wiki that the classes' own titles are of. Names stay as they are.
    """
    asked = {entry.id: entry.titles or (entry.name,) for entry in classes}
    found = titles_in(language, {title for titles in asked.values() for title in titles}, api)
    kept: list[ClassEntry] = []
    rejects: list[Reject] = []
    for entry in classes:
        there = [found[title] for title in asked[entry.id] if title in found]
        if there:
            kept.append(entry.model_copy(update={"title": " | ".join(dict.fromkeys(there))}))
        else:
            detail = f"{' | '.join(asked[entry.id])} has no link to {language}"
            rejects.append(reject(entry.id, "no article in this language", detail))
    return kept, rejects
