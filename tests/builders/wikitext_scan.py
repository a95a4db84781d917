"""A reader of wikitext apart from the cleaner's: finds references, captions and templates."""

import html
import re
import unicodedata
from dataclasses import dataclass

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_REF = re.compile(r"<ref(?:\s[^<>]*?)?(?<!/)>(.*?)</ref\s*>|<ref(?:\s[^<>]*?)?/\s*>", re.S | re.I)
_GALLERY = re.compile(r"<(gallery|imagemap|timeline)\b[^<>]*>(.*?)</\1\s*>", re.S | re.I)
_FILE = re.compile(r"\[\[\s*(?:file|image|datei|bild|fichier|archivo|imagen)\s*:", re.I)
_CAPTION_FIELD = re.compile(
    r"^\s*\|\s*(?:\w*[ _]?)(?:caption|alt|bildunterschrift|légende)\d*\s*=(.*)$", re.M | re.I
)
_PART = re.compile(r"\{\{|\}\}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Scan:
    """A page taken apart: what a reader of prose must not see, and what is left."""

    refs: tuple[str, ...]
    captions: tuple[str, ...]
    templates: tuple[str, ...]  # outermost, from the text without refs and captions
    rest: str  # without refs and captions
    prose: str  # without templates too


def scan(wikitext: str) -> Scan:
    """Take a page apart by regular expressions and counted brackets alone."""
    text = _COMMENT.sub("", wikitext)
    refs = [m.group(1) or "" for m in _REF.finditer(text)]
    text = _REF.sub(" ", text)
    captions = [m.group(2) for m in _GALLERY.finditer(text)]
    text = _GALLERY.sub(" ", text)
    files, text = _cut_files(text)
    captions += [name.group(1) for name in _CAPTION_FIELD.finditer(text)]
    rest = _CAPTION_FIELD.sub("", text)
    templates, prose = _cut_templates(rest)
    return Scan(tuple(refs), tuple(captions + files), tuple(templates), rest, prose)


def _cut_files(text: str) -> tuple[list[str], str]:
    """Cut [[File:...]] with everything to the brackets that close it."""
    files, kept, position = [], [], 0
    while found := _FILE.search(text, position):
        end, depth = found.start(), 0
        for bracket in re.finditer(r"\[\[|\]\]", text[found.start() :]):
            depth += 1 if bracket.group() == "[[" else -1
            if depth == 0:
                end = found.start() + bracket.end()
                break
        else:
            end = found.end()  # never closed
        kept.append(text[position : found.start()])
        files.append(text[found.start() : end])
        position = end
    return files, " ".join([*kept, text[position:]])


def _cut_templates(text: str) -> tuple[list[str], str]:
    templates, kept, depth, start, position = [], [], 0, 0, 0
    for brace in _PART.finditer(text):
        if brace.group() == "{{":
            if depth == 0:
                start = brace.start()
            depth += 1
        elif depth:
            depth -= 1
            # Braces that do not pair up on a page swallow sections: that is no template.
            if depth == 0 and "\n==" not in text[start : brace.end()]:
                kept.append(text[position:start])
                templates.append(text[start : brace.end()])
                position = brace.end()
    return templates, " ".join([*kept, text[position:]])


def words(text: str) -> list[str]:
    """Return the words of a text in order, as a reader counts them."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", unicodedata.normalize("NFC", html.unescape(text)))
    return _WORD.findall(plain.casefold())


def source_words(text: str) -> set[str]:
    """Return every word that wikitext may show: as written, and with its markup taken out."""
    joined = re.sub(r"\{\{linktext\|([^{}]*)\}\}", lambda m: m[1].replace("|", ""), text)
    glued = re.sub(r"'{2,}|\[\[(?:[^\[\]|]*\|)?|\]\]|</?[a-z]+[^<>]*>|[\u00ad\u200b]", "", joined)
    return {*words(text), *words(glued), *words(re.sub(r"<[^<>]*>|[_]", " ", text))}


# Written apart from the cleaner's own list of debris.
_MARKUP = (
    "{{", "}}", "[[", "]]", "''", "{|", "|}", "|-", "<!--", "-->", "&nbsp;", "&amp;", "&ndash;",
    "thumb|", "\t", "</", "File:", "Datei:", "Fichier:", "Category:", "Kategorie:", "Catégorie:",
    "Image:", "__NOTOC__", "__TOC__",
)  # fmt: skip
# What broken wikitext may show to a reader of the wiki too.
_PARAMETERS = (
    "style=", "class=", "align=", "colspan=", "DEFAULTSORT", "url=", "title=", "date=", "abbr=",
    "lk=", "http://", "https://",
)  # fmt: skip
_TAG = re.compile(
    r"<(?:ref|references|nowiki|math|gallery|imagemap|timeline|score|syntaxhighlight|includeonly"
    r"|noinclude|onlyinclude|templatestyles|poem|pre|code|table|tr|td|th|caption|div|span|small|big"
    r"|br|hr|sup|sub|center|font|blockquote|ul|ol|li|dl|dd|dt|del|ins|cite|abbr|p|b|i|u|s)\b[^<>\n]*>"
    r"|<(?:ref|nowiki|math|gallery|small|br|div|span)\b",
    re.I,
)
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d+|#x[0-9a-f]+);", re.I)
_MAGIC = re.compile(r"__[A-Z]+__")


def markup_in(text: str) -> list[str]:
    """Return every trace of markup that a reader of plain text would stumble over."""
    found = [mark for mark in _MARKUP if mark in text]
    return found + [m.group() for p in (_TAG, _ENTITY, _MAGIC) for m in p.finditer(text)]


def flaws_in(text: str) -> list[str]:
    """Return every trace of markup, parameters and addresses in the text of a sound page."""
    return markup_in(text) + [mark for mark in _PARAMETERS if mark in text]
