"""Plain extracts of pages by MediaWiki itself, on this machine, with stubs for its templates."""

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import httpx
import mwparserfromhell

from imagewikiqa.builders.lexicon import lexicon
from tests.builders.wiki import mediawiki

_PAGE = (
    "<page><title>{title}</title><ns>{space}</ns><id>{number}</id><revision><id>{number}</id>"
    "<timestamp>2020-01-01T00:00:00Z</timestamp><contributor><username>x</username><id>1</id>"
    "</contributor><model>wikitext</model><format>text/x-wiki</format>"
    '<text xml:space="preserve">{text}</text></revision></page>'
)
_EXPORT = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="en">'
    "{pages}</mediawiki>"
)
# Pages of other languages name images and categories in their own words.
_NAMESPACES = (
    '$wgNamespaceAliases = ["Datei" => 6, "Bild" => 6, "Fichier" => 6, "Kategorie" => 14, '
    '"Catégorie" => 14];\n'
)
_REDIRECT = re.compile(r"\A\s*#(?:redirect|weiterleitung|redirection)[^\n]*", re.I)


def installed() -> bool:
    """Say whether a MediaWiki can be started here."""
    return mediawiki.INSTALLED.is_dir() and shutil.which("php") is not None


def extracts(pages: Mapping[str, str]) -> dict[str, str]:
    """Return each page's plain extract, without sections of apparatus; "" where it failed."""
    titles = {name: f"P{number}" for number, name in enumerate(pages)}
    with tempfile.TemporaryDirectory() as folder:
        wiki = mediawiki.build(Path(folder) / "wiki")
        with (wiki.folder / "LocalSettings.php").open("a", encoding="utf-8") as settings:
            settings.write(_NAMESPACES)
        wiki.load(_export(_stubs(pages.values()).items(), 10), links=False)
        articles = ((titles[name], _REDIRECT.sub("", text)) for name, text in pages.items())
        wiki.load(_export(articles, 0), links=False)
        with mediawiki.serve(wiki):
            return {name: without_apparatus(_ask(wiki.api, titles[name])) for name in pages}


def _ask(api: str, title: str) -> str:
    query: dict[str, str | int] = {
        "action": "query", "prop": "extracts", "explaintext": 1, "exsectionformat": "wiki",
        "titles": title, "format": "json", "formatversion": 2,
    }  # fmt: skip
    answer = httpx.get(api, params=query, timeout=300).json()
    return str(answer["query"]["pages"][0].get("extract", "")) if "query" in answer else ""


def _export(pages: Iterable[tuple[str, str]], space: int) -> bytes:
    made = (
        _PAGE.format(title=escape(title), space=space, number=number, text=escape(text))
        for number, (title, text) in enumerate(pages, start=1000)
    )
    return _EXPORT.format(pages="".join(made)).encode()


def _stubs(texts: Iterable[str]) -> dict[str, str]:
    """Return a body for each template that pages use: one of its arguments, or nothing."""
    words = lexicon()
    bodies = {"!": "|"}
    for text in texts:
        for template in mwparserfromhell.parse(text).filter_templates(recursive=True):
            name = re.sub(r"[\s_]+", " ", re.sub(r"(?s)<!--.*?-->", "", str(template.name))).strip()
            if name and len(name) < 200 and not re.search(r"[<>\[\]{}|#:]", name):
                low = name.casefold()
                shown = 1 if low in words.first or low.startswith("lang-") else 0
                shown = 2 if low in words.second else shown
                bodies.setdefault(
                    name[0].upper() + name[1:], f"{{{{{{{shown}|}}}}}}" if shown else ""
                )
    return {f"Template:{name}": body for name, body in sorted(bodies.items())}


def without_apparatus(extract: str) -> str:
    """Return an extract without the sections that hold references and links."""
    kept: list[str] = []
    dropped = 0  # level of the section that is left out
    for line in extract.split("\n"):
        heading = re.fullmatch(r"(=+) (.*?) =+ *", line)
        if heading:
            level, line = len(heading[1]), heading[2]
            dropped = 0 if level <= dropped else dropped
            if not dropped and line.casefold().strip(" :.") in lexicon().dropped_sections:
                dropped = level
        if not dropped:
            kept.append(line)
    return "\n".join(kept)
