"""How a page itself writes the name of its class, for classes that come with a bare title."""

import re

from imagewikiqa.core.records import ClassEntry, Page

_LEAD = 600  # characters in which an article names its subject


def as_written(entry: ClassEntry, page: Page) -> ClassEntry:
    """Return the class as its page writes it in running text: 'aikido', 'the aardvark', 'Angola'.

    Only classes without hypernyms and with the plain number 'count' change: those of a list of
    titles, which say neither whether the name takes an article nor whether its capital is its own.
    What a title adds in brackets to tell pages apart goes.
    """
    if entry.hypernyms or entry.number != "count":
        return entry
    name = re.sub(r"\s*\([^()]*\)$", "", entry.name) or entry.name
    lower = name[0].lower() + name[1:]
    if _count(lower, page.text) > _count(name, page.text):
        name = lower
    shown = re.compile(
        rf"(?i:(?<!\w)(?P<article>(?:the|an?)\s+)?{re.escape(name)}(?P<more>e?s\b)?(?!\w))(?!\s+[A-Z])"
    )
    first = shown.search(page.text[:_LEAD]) or shown.search(page.text)
    if first is None:
        return entry.model_copy(update={"name": name, "number": "mass"})
    if first["article"] or first["more"]:
        return entry.model_copy(update={"name": name})
    after = page.text[first.end() : first.end() + 200]
    many = re.match(r"[^.]*?\b(?P<verb>is|was|are|were)\b", re.sub(r"\([^)]*\)", "", after))
    plural = many is not None and many["verb"] in {"are", "were"} and name.endswith("s")
    return entry.model_copy(update={"name": name, "number": "plural" if plural else "mass"})


def _count(name: str, text: str) -> int:
    """Count a name inside sentences, where a capital is the name's own."""
    return len(re.findall(rf"(?<=[a-z,] ){re.escape(name)}(?!\w)", text))
