"""Wikitext made ready for the parser: comments, references and other sealed tags are taken out."""

import re
from functools import cache

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
    return _MAGIC_WORD.sub("", _unseal(text))


@cache
def _opening() -> re.Pattern[str]:
    names = "|".join(sorted({*lexicon().sealed_tags, *_FORMULAS, *_LITERAL}, key=len, reverse=True))
    return re.compile(rf"<({names})(?=[\s/>])[^<>]*>", re.I)


@cache
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\s*>", re.I)


def _unseal(text: str) -> str:
    """Replace sealed tags, whose content is no wikitext to the page, as MediaWiki does: first.

    Were they left to the parser, one quote mark or bracket too many inside a reference would
    spill it into the page. A tag that is never closed is left as it stands.
    """
    kept: list[str] = []
    position = 0
    unclosed: set[str] = set()  # looked for once: many open tags cost linear time
    while found := _opening().search(text, position):
        name = found[1].casefold()
        kept.append(text[position : found.start()])
        position = found.end()
        if found[0].endswith("/>"):
            kept.append(_shown(name, "", found[0]))
            continue
        end = None if name in unclosed else _closing(name).search(text, position)
        if end is None:
            unclosed.add(name)
            kept.append(found[0])
            continue
        whole = text[found.start() : end.end()]
        kept.append(_shown(name, text[position : end.start()], whole))
        position = end.end()
    return "".join([*kept, text[position:]])


def _shown(name: str, content: str, whole: str) -> str:
    if name in _LITERAL:
        return whole
    if name in _FORMULAS:
        # "n + 1" is kept; a formula that needs typesetting leaves a hole, and its sentence goes.
        return content.strip() if _PLAIN_FORMULA.fullmatch(content) else HOLE
    if name == "ref":
        return SEAM
    return "" if name in _INLINE else "\n\n"
