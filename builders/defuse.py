"""Hostile wikitext made harmless: openings that nothing closes are written as characters."""

import re

# The parser looks for the end of each opening to the end of the page. A page that people wrote has
# a few that nothing closes; thousands of them would take hours.
MOST_UNCLOSED = 200
DEEPEST = 100  # the parser itself gives up at 40
_TOKEN = re.compile(
    r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}|\[(?=[a-z]+:|//)|\]|\n|<(/?)([a-z][a-z0-9]*)\b[^<>]*>|<(?=[a-z/])",
    re.I,
)
_VOID = frozenset({"br", "hr", "wbr", "img"})
_MAY_STAY_OPEN = frozenset({"li", "dt", "dd", "tr", "td", "th"})
_CLOSES = {"]]": "[[", "}}": "{{", "|}": "{|", "]": "["}


def defuse(text: str) -> str:
    """Return prepared wikitext; too many openings that nothing closes become entities."""
    unclosed = unclosed_signs(text)
    if len(unclosed) <= MOST_UNCLOSED:
        return text
    kept: list[str] = []
    position = 0
    for start, end in sorted(unclosed):
        kept.append(text[position:start])
        kept += [f"&#{ord(sign)};" for sign in text[start:end]]
        position = end
    return "".join([*kept, text[position:]])


def unclosed_signs(text: str) -> set[tuple[int, int]]:
    """Return where signs stand that open what nothing closes, or that lie too deep."""
    brackets: list[tuple[str, int]] = []
    tags: dict[str, list[int]] = {}
    found: set[tuple[int, int]] = set()
    for token in _TOKEN.finditer(text):
        sign, name = token[0], (token[2] or "").lower()
        if sign == "<":
            found.add(token.span())
        elif name:
            _read_tag(token, tags.setdefault(name, []), found)
        elif sign in _CLOSES or sign == "\n":
            _close(sign, brackets, found)
        else:
            brackets.append((sign, token.start()))
            if len(brackets) > DEEPEST:
                found.add(token.span())
    found |= {(start, start + len(sign)) for sign, start in brackets}
    left = [starts for name, starts in tags.items() if name not in _MAY_STAY_OPEN]
    return found | {(start, start + 1) for starts in left for start in starts}


def _read_tag(token: re.Match[str], open_at: list[int], found: set[tuple[int, int]]) -> None:
    if token[2].lower() in _VOID or token[0].endswith("/>"):
        return
    if not token[1]:
        open_at.append(token.start())
    elif open_at:
        start = open_at.pop()
        if len(open_at) >= DEEPEST:
            found.add((start, start + 1))


def _close(sign: str, brackets: list[tuple[str, int]], found: set[tuple[int, int]]) -> None:
    """Close what a sign closes; what was opened within and is still open is never closed."""
    opening = _CLOSES.get(sign, "[")
    if sign in ("]", "\n"):  # a link to the web ends with its line
        while brackets and brackets[-1][0] == "[":
            start = brackets.pop()[1]
            if sign == "]":
                return
            found.add((start, start + 1))
    elif opening == "[[":
        if brackets and brackets[-1][0] == "[[":
            brackets.pop()
    elif any(one == opening for one, _ in brackets[-DEEPEST:]):
        while (one := brackets.pop())[0] != opening:
            found.add((one[1], one[1] + len(one[0])))
