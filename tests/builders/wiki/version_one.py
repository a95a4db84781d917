"""The older shape of an answer of the action API, which wikipedia-api asks for."""

from typing import Any


def in_version_one(told: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of format version 2 as version 1 has it: pages by id, texts under "*"."""
    query = dict(told.get("query", {}))
    if "pages" in query:
        query["pages"] = {
            str(page.get("pageid", -1 - at)): _page(page) for at, page in enumerate(query["pages"])
        }
    return {**told, "query": query} if query else told


def _page(page: dict[str, Any]) -> dict[str, Any]:
    # What is true is there and empty, what is false is left out.
    shown: dict[str, Any] = {k: "" if value is True else value for k, value in page.items()}
    shown = {key: value for key, value in shown.items() if value is not False}
    if "langlinks" in shown:
        shown["langlinks"] = [_link(link["lang"], link["title"]) for link in shown["langlinks"]]
    return shown


def _link(lang: str, title: str) -> dict[str, str]:
    return {"lang": lang, "*": title, "url": f"https://{lang}.wiki.test/wiki/{title}"}
