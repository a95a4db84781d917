"""Wikitext made by a grammar that knows which words a reader sees and which are hidden."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st


@dataclass(slots=True)
class Draft:
    """A page while it is written: each word is new, and is counted as seen or as hidden."""

    seen: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    concealed: int = 0  # how many hiding constructs are open
    sealed: list[str] = field(default_factory=list)  # tags that end at their first closing tag
    number: int = 0

    def word(self) -> str:
        """Return a new word: letters alone, so that no rule for numbers or signs applies."""
        self.number += 1
        tail, rest = "", self.number
        while rest:
            rest, digit = divmod(rest, 20)
            tail = "bcdfghjklmnpqrstvwxz"[digit] + tail
        word = f"{'hid' if self.concealed else 'vis'}{tail}"
        (self.hidden if self.concealed else self.seen).append(word)
        return word

    def hide(self, write: Callable[["Draft"], str]) -> str:
        """Write something whose words no reader may see."""
        self.concealed += 1
        text = write(self)
        self.concealed -= 1
        return text


Piece = Callable[[Draft], str]


def _write_word(draft: Draft) -> str:
    return draft.word()


_word: Piece = _write_word


def _join(pieces: list[Piece]) -> Piece:
    return lambda draft: " ".join(piece(draft) for piece in pieces)


def _around(before: str, inner: Piece, after: str) -> Piece:
    """Put marks around a piece; what cannot hold itself, as a reference, is put once."""
    seal = re.match(r"<[!a-z]+|\[http", before.casefold())

    def write(draft: Draft) -> str:
        if seal and seal[0] in draft.sealed:
            return inner(draft)
        draft.sealed.append(seal[0] if seal else "")
        text = inner(draft)
        draft.sealed.pop()
        return f"{before}{text}{after}"

    return write


def _hidden(before: str, inner: Piece, after: str) -> Piece:
    return _around(before, lambda draft: draft.hide(inner), after)


def _fixed(text: str) -> Piece:
    return lambda draft: text


_SHOWN = (
    ("{{nowrap|", "}}"), ("{{lang|de|", "}}"), ("{{small|1=", "}}"), ("<small>", "</small>"),
    ('<span style="color:red">', "</span>"), ("<u>", "</u>"), ("[http://example.org/a?b ", "]"),
    ("<div class=x>", "</div>"), ("<abbr title=x>", "</abbr>"), ("<onlyinclude>", "</onlyinclude>"),
)  # fmt: skip
_UNSEEN = (
    ("<ref>", "</ref>"), ('<ref name="a/b" group=n>', "</ref>"), ("<REF name=x >", "</ref >"),
    ("<ref>''", "</ref>"), ("<ref>[[", "</ref>"), ("<ref>{{cite web|title=", "|url=x}}</ref>"),
    ("<ref>{{cite|", "</ref>"), ("<ref>[http://x.org ", "</ref>"), ("<ref>a'''b ", "</ref>"),
    ("[[File:A b.jpg|thumb|left|alt=x y|", "]]"), ("[[Image:a.png|120px|", "]]"),
    ("[[Datei:ä.jpg|mini|hochkant=1.2|", "]]"), ("[[Fichier:a.svg|vignette|", "]]"),
    ("{{unheard of|", "}}"), ("{{unheard of\n| key = ", "\n| other = {{{1|}}}\n}}"),
    ("{{multiple image|image1=a.jpg|caption1=", "}}"), ("{{sfn|", "|2001|p=3}}"),
    ("{{efn|name=b|", "}}"), ("<del>", "</del>"), ("{{#tag:ref|", "|name=z}}"),
)  # fmt: skip
_SEALED_UNSEEN = (
    ("<!-- ", " -->"), ("<!--", "[[ {{ <ref> -->"),
    ("<timeline>", "</timeline>"), ("<score>{", "</score>"), ("<references>", "</references>"),
    ("<syntaxhighlight lang=c>{{", "</syntaxhighlight>"),
    ("[[Category:", "]]"), ("[[Kategorie:", "|*]]"), ("{{DEFAULTSORT:", "}}"),
    ("<templatestyles src=", " />"),
)  # fmt: skip
_SILENT = ("&nbsp;", "<br>", "<br />", "__NOTOC__", "<ref name=x />", "{{-}}", "&amp;", "<nowiki/>")

_plain: st.SearchStrategy[Piece] = st.lists(st.just(_word), min_size=1, max_size=3).map(_join)


def _link(label: Piece) -> Piece:
    return lambda draft: f"[[{draft.hide(_word)}|{label(draft)}]]"


def _quoted(marks: str, inner: Piece) -> Piece:
    return _around(marks, inner, marks)


_leaf = st.one_of(
    _plain,
    _plain.map(lambda p: _around("[[", p, "]]")),
    _plain.map(_link),
    st.tuples(st.sampled_from(["''", "'''", "'''''"]), _plain).map(lambda t: _quoted(*t)),
    st.sampled_from(_SILENT).map(_fixed),
    st.tuples(st.sampled_from(_SEALED_UNSEEN), _plain).map(
        lambda t: _hidden(t[0][0], t[1], t[0][1])
    ),
    _plain.map(lambda p: _around("<nowiki>", p, "</nowiki>")),
)


def _extend(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    several = st.lists(inner, min_size=1, max_size=3).map(_join)
    shown = st.tuples(st.sampled_from(_SHOWN), several).map(
        lambda t: _around(t[0][0], t[1], t[0][1])
    )
    unseen = st.tuples(st.sampled_from(_UNSEEN), several).map(
        lambda t: _hidden(t[0][0], t[1], t[0][1])
    )
    beside = st.tuples(_plain, unseen, _plain).map(lambda t: _join(list(t)))
    return st.one_of(several, shown, shown, beside)


inline: st.SearchStrategy[Piece] = st.recursive(_leaf, _extend, max_leaves=8)
# Signs that are markup elsewhere, and quotes that nothing closes.
_STRAY = (
    "''",
    "'''",
    "[",
    "]",
    "<",
    ">",
    "=",
    "}",
    "{",
    "&",
    "http://x.org/y?z",
    "{{{1|}}}",
    "-",
    ";",
    "#",
)
_stray = st.tuples(_plain, inline, st.sampled_from(_STRAY).map(_fixed), _plain).map(
    lambda t: _join(list(t))
)

_cells = st.lists(inline, min_size=1, max_size=3)


def _table(cells: list[Piece]) -> Piece:
    def write(draft: Draft) -> str:
        shown = [draft.hide(cell) for cell in cells]
        body = "\n|-\n| style=x | ".join(shown)
        head = f"|+ {draft.hide(_word)}\n! {draft.hide(_word)}"
        return f'{{| class="wikitable"\n{head}\n|-\n| {body}\n|}}'

    return write


def _box(cells: list[Piece]) -> Piece:
    """A box whose fields all are of the kind that is no fact."""

    def write(draft: Draft) -> str:
        fields = "".join(f"\n| caption{i} = {draft.hide(c)}" for i, c in enumerate(cells))
        return f"{{{{Infobox thing\n| image = a.jpg{fields}\n}}}}"

    return write


def _section(title: Piece, body: Piece) -> Piece:
    return lambda draft: f"== {title(draft)} ==\n{body(draft)}"


def _list(items: list[Piece]) -> Piece:
    return lambda draft: "<ul>" + "".join(f"<li>{item(draft)}</li>" for item in items) + "</ul>"


def _apparatus(body: Piece) -> Piece:
    return lambda draft: (
        f"== References ==\n{draft.hide(body)}\n\n== {draft.word()} ==\n{draft.word()}"
    )


_block = st.one_of(
    inline,
    inline,
    _stray,
    st.tuples(
        st.sampled_from(["* ", "# ", "** ", ": ", "; ", ":* ", "<p>", "<blockquote>"]), inline
    ).map(lambda t: _around(t[0], t[1], "")),
    _cells.map(_list),
    _plain.map(lambda p: _hidden("<gallery mode=packed>\nFile:a.jpg|", p, "\n</gallery>")),
    _plain.map(lambda p: _hidden("<imagemap>\nFile:a.png|", p, "\ndesc none\n</imagemap>")),
    _plain.map(lambda p: _around("{{quote|", p, "}}")),
    _cells.map(_table),
    _cells.map(_box),
    st.tuples(_plain, inline).map(lambda t: _section(t[0], _join([_word, t[1]]))),
    inline.map(_apparatus),
)


@st.composite
def pages(draw: st.DrawFn) -> tuple[str, list[str], list[str]]:
    """Draw a well-formed page with its seen words in order and its hidden words."""
    draft = Draft()
    blocks = draw(st.lists(_block, min_size=1, max_size=5))
    parts = [draw(st.sampled_from(["\n\n", "\n\n\n"])).join(["", block(draft)]) for block in blocks]
    return "".join(parts).strip("\n"), draft.seen, draft.hidden
