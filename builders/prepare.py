"""Wikitext made ready for the parser: comments, references and other sealed tags are taken out."""

import re
from functools import cache

from imagewikiqa.builders.defuse import defuse
from imagewikiqa.builders.lexicon import lexicon
from imagewikiqa.builders.marks import HOLE, SEAM

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ud800-\udfff\ue000-\uf8ff]")
_COMMENT_LINE = re.compile(r"^[ ]*<!--(?:(?!-->).)*-->[ ]*\n", re.M | re.S)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_MAGIC_WORD = re.compile(r"__[A-ZÄÖÜ]{3,}__")
_PLAIN_FORMULA = re.compile(r"[\w\s.,+=<>()/-]+")
_FORMULAS = frozenset({"math", "chem", "ce"})
_LITERAL = frozenset({"nowiki", "pre"})
# Sealed tags that stand in a line of text; the others are blocks and part paragraphs.
_INLINE = frozenset({"templatestyles", "section", "indicator", "phonos", "hiero", "maplink"})
_PART = "\v"  # where a block stood: parts paragraphs, once those that are cut have been cut
_SPECIAL = re.compile(r"[\[\]{}|<>'=*#:;]")
_PARAGRAPH_END = re.compile(r"\n(?=[ ]*\n|=)|\Z")
_STRUCK = [
    (re.compile(rf"<{name}(?=[\s>])[^<>]*>", re.I), re.compile(rf"</{name}\s*>", re.I))
    for name in ("del", "strike")
]
_BRACKETS = re.compile(r"\[\[|\]\]|\{\{|\}\}")
_TEMPLATE_OPENS = re.compile(r"\{\{[^{}\[\]|]{1,200}\|")
_WRITTEN_BRACKETS = {"{{!((}}": "[[", "{{))!}}": "]]"}


def prepare(wikitext: str) -> str:
    """Return wikitext without comments, sealed tags, magic words and control characters.

    Tabs become spaces; a reference leaves a seam, a formula its plain text or a hole.
    """
    text = wikitext.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = _CONTROL.sub("", text)
    # As in MediaWiki, a comment alone on its line takes the line with it, an open one the rest.
    # The open one goes first: many of them would each be followed to the end of the page.
    closed = text.rfind("-->") + len("-->") if "-->" in text else 0
    text = text[:closed] + text[closed:].partition("<!--")[0]
    text = _COMMENT.sub("", _COMMENT_LINE.sub("", text))
    for template, brackets in _WRITTEN_BRACKETS.items():
        text = text.replace(template, brackets)
    return _MAGIC_WORD.sub(
        "", defuse(_drop_unclosed(_drop_struck(_unseal(text))).replace(_PART, "\n\n"))
    )


@cache
def _opening() -> re.Pattern[str]:
    names = "|".join(sorted({*lexicon().sealed_tags, *_FORMULAS, *_LITERAL}, key=len, reverse=True))
    return re.compile(rf"<({names})(?=[\s/>])[^<>]*>", re.I)


@cache
def _closing(name: str) -> re.Pattern[str]:
    """Match a tag's end; for a reference, the next one's start too: it was never closed."""
    another = r"|<ref(?=[\s>])[^<>]*(?<!/)>" if name == "ref" else ""
    return re.compile(rf"</{name}\s*>{another}", re.I)


def _unseal(text: str) -> str:
    """Replace sealed tags, whose content is no wikitext to the page, as MediaWiki does: first.

    Were they left to the parser, one quote mark or bracket too many inside a reference would
    spill it into the page. One that is never closed takes the rest of its paragraph.
    """
    kept: list[str] = []
    position = 0
    unclosed: set[str] = set()  # looked for once: many open tags cost linear time
    while found := _opening().search(text, position):
        name = found[1].casefold()
        kept.append(text[position : found.start()])
        position = found.end()
        closed = name not in unclosed and _closing(name).search(text, position)
        if found[0].endswith("/>"):
            kept.append(_shown(name, ""))
        elif closed and closed[0].startswith("</"):
            kept.append(_shown(name, text[position : closed.start()]))
            position = closed.end()
        elif name in _LITERAL or name in _FORMULAS:
            unclosed.add(name)
            kept.append(found[0])
        else:
            unclosed |= set() if closed else {name}
            kept.append(HOLE)
            position = _paragraph_end(text, position)
    return "".join([*kept, text[position:]])


def _shown(name: str, content: str) -> str:
    if name in _LITERAL:
        literal = _SPECIAL.sub(lambda sign: f"&#{ord(sign[0])};", content)
        return literal if name == "nowiki" else f"<pre>{literal}</pre>"
    if name in _FORMULAS:
        # "n + 1" is kept; a formula that needs typesetting leaves a hole, and its sentence goes.
        return content.strip() if _PLAIN_FORMULA.fullmatch(content) else HOLE
    if name == "ref":
        return SEAM
    return "" if name in _INLINE else _PART


def _paragraph_end(text: str, position: int) -> int:
    end = _PARAGRAPH_END.search(text, position)
    return end.start() if end else len(text)


def _drop_struck(text: str) -> str:
    """Cut struck text that nothing closes, with the rest of its paragraph.

    Left to the parser, a block inside it would stand on its own, as if it were not struck.
    """
    for opening, closing in _STRUCK:
        closed = max((found.end() for found in closing.finditer(text)), default=0)
        kept, position = [text[:closed]], closed
        while found := opening.search(text, position):
            kept.append(f"{text[position : found.start()]}{HOLE}")
            position = _paragraph_end(text, found.end())
        text = "".join([*kept, text[position:]])
    return text


def _drop_unclosed(text: str) -> str:
    """Cut images and templates that are never closed, with the rest of their paragraph.

    What they hold is a caption or a value, and nothing says where it ends.
    """
    kept: list[str] = []
    position = 0
    for start in _unmatched(text):
        if start >= position and _hides(text, start):
            kept.append(f"{text[position:start]}{HOLE}")
            position = _paragraph_end(text, start)
    return "".join([*kept, text[position:]])


def _unmatched(text: str) -> list[int]:
    """Return where brackets open that nothing closes, in order."""
    open_at: dict[str, list[int]] = {"[[": [], "{{": []}
    for bracket in _BRACKETS.finditer(text):
        if bracket[0] in open_at:
            open_at[bracket[0]].append(bracket.start())
        elif opened := open_at["[[" if bracket[0] == "]]" else "{{"]:
            opened.pop()
    return sorted(open_at["[["] + open_at["{{"])


def _hides(text: str, start: int) -> bool:
    if text.startswith("{{", start):
        return _TEMPLATE_OPENS.match(text, start) is not None
    namespace = text[start + 2 : start + 40].partition(":")
    return bool(namespace[1]) and namespace[0].strip().casefold() in lexicon().dropped_namespaces
