"""Wikitext nodes to words: what each link, tag, list and heading shows to a reader."""

import html
import re
from typing import Any

import mwparserfromhell
from mwparserfromhell import nodes

from imagewikiqa.builders.lexicon import lexicon
from imagewikiqa.builders.marks import (
    BREAK,
    HEADING,
    ITEM,
    flatten,
    subscript,
    superscript,
)
from imagewikiqa.builders.templates import render_template

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*|simple")


def parse(wikitext: str) -> Any:
    """Return the node tree of prepared wikitext."""
    return mwparserfromhell.parse(wikitext)


def render(code: Any) -> str:
    """Return the words of a node tree, with marks where headings, items and breaks stand."""
    return "".join(_render_node(node) for node in code.nodes) if code is not None else ""


def _render_node(node: Any) -> str:
    match node:
        case nodes.Text():
            return str(node.value)
        case nodes.Template():
            return render_template(node, render)
        case nodes.Wikilink():
            return _render_link(node)
        case nodes.Tag():
            return _render_tag(node)
        case nodes.HTMLEntity():
            return html.unescape(str(node))
        case nodes.ExternalLink():
            return render(node.title) if node.brackets else ""
        case nodes.Heading():
            return f"\n\n{HEADING}{node.level}{flatten(render(node.title))}\n\n"
        case nodes.Argument():
            return render(node.default)
        case _:
            return ""


def _render_link(link: Any) -> str:
    title = render(link.title).strip()
    shown = render(link.text).strip() if link.text is not None else ""
    words = lexicon()
    escaped = title.startswith(":")  # [[:Category:X]] shows a link instead of acting on the page
    prefix, colon, rest = title.removeprefix(":").partition(":")
    space = prefix.strip().casefold().replace("_", " ")
    if escaped:
        return shown or rest or prefix
    if "|" in title and link.text is None:  # a pipe written as {{!}}
        title, _, shown = title.rpartition("|")
    if colon and space in words.dropped_namespaces:
        return ""
    if colon and _LANGUAGE.fullmatch(prefix) and space not in words.not_languages:
        return shown if space in words.project_prefixes else ""
    if shown:
        return _spaced(link.text, shown)
    plain = rest if colon and space in words.project_prefixes else title.replace("_", " ")
    # The pipe trick: "[[Mercury (planet)|]]" shows what stands before the brackets.
    return re.sub(r"\s*\([^()]*\)$", "", plain) if link.text is not None else plain


def _spaced(source: Any, shown: str) -> str:
    """Keep the spaces that a label carries at its ends: "[[a| b ]]c" reads "b c"."""
    raw = str(source)
    return f"{' ' if raw[:1].isspace() else ''}{shown}{' ' if raw[-1:].isspace() else ''}"


def _render_tag(tag: Any) -> str:
    name = str(tag.tag).strip().casefold()
    if tag.wiki_markup is not None:
        return _render_wiki_tag(tag, name)
    words = lexicon()
    if name in words.dropped_tags:
        return "\n\n" if name == "table" else ""
    if name == "br":
        return BREAK
    if name == "hr":
        return "\n\n"
    return _wrap(name, render(tag.contents))


def _wrap(name: str, text: str) -> str:
    if name in ("li", "dt", "dd"):
        return f"{ITEM}{text}\n"
    if re.fullmatch(r"h[1-6]", name):
        return f"\n\n{HEADING}{name[1]}{flatten(text)}\n\n"
    if name == "poem":
        return f"\n\n{text.strip().replace(chr(10), BREAK)}\n\n"
    if name == "sup":
        return "" if re.fullmatch(r"\[?[a-h]\]?", text) else superscript(text)  # a footnote mark
    if name == "sub":
        return subscript(text)
    return f"\n\n{text}\n\n" if name in lexicon().block_tags else text


def _render_wiki_tag(tag: Any, name: str) -> str:
    if name in ("li", "dt", "dd"):
        return ITEM
    if name in ("table", "tr", "td", "th", "hr"):
        return "\n\n"
    return render(tag.contents)
