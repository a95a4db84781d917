"""What the first sentence of an article says that its subject is."""

import re

_BRACKETS = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")
_SENTENCE = re.compile(
    r"(?<![A-Z])(?<!\bsp)(?<!\bspp)(?<!\bvar)(?<!\bc)\.(?:\s+(?=[A-Z\"“])|\Z)|\n"
)
_IS = re.compile(
    r"\b(?:is|are|was|were|refers?\s+to|means|denotes?|describes?|comprises?|has\s+been)\b\s*"
)
_CUT = re.compile(
    r"[,;:.–—]|\b(?:that|which|who|whose|where|used|using|designed|made|found|native|from|with|"
    r"for|in|on|at|by|to|consisting|having|worn|and\s+is|belonging|known|within|when|able|based)\b"
)
_AFTER = re.compile(r"\w+(?:ed|ly)|held|worn|made|kept|grown|driven|drawn|cut|built|both|also")
_LISTS = re.compile(
    r"\A[^.\n]{0,200}\b(?:(?:may|can|could|might|commonly|often)\s+(?:also\s+)?refers?\s+to"
    r"\s*(?::|\n|\Z|the\s+following|(?:any|several|various|many|one)\s+of)|"
    r"is\s+the\s+(?:common\s+)?name\s+of\s+(?:several|various|many))"
)
LEAD_WORDS = 120  # of a lead compared with a definition


def first_sentence(lead: str) -> str:
    """Return a lead's first sentence without what it says in brackets."""
    text = lead.strip()[:3000]
    for _ in range(4):  # brackets within brackets
        shorter = _BRACKETS.sub("", text)
        if shorter == text:
            break
        text = shorter
    return _SENTENCE.split(text, maxsplit=1)[0].strip()


def is_list(lead: str) -> bool:
    """Say whether a lead only opens a list of meanings: "Tope may refer to:"."""
    return bool(_LISTS.search(lead.strip()))


def said_to_be(text: str) -> tuple[str, ...]:
    """Return the nouns by which a sentence, or a one-line description, says what its subject is.

    The last word is the surest: of "is a large freshwater fish in the carp family", "fish".
    """
    found = _IS.search(text)
    return nouns(text[found.end() :]) if found else ()


def nouns(phrase: str) -> tuple[str, ...]:
    """Return the last words of the parts of a noun phrase, in order."""
    heads = list[str]()
    rest = re.sub(r"^\s*(?:an?|the|any|one|either|both)\s+", "", phrase.strip())
    for part in re.split(r"\s+of\s+", _CUT.split(rest, maxsplit=1)[0])[:2]:
        for piece in re.split(r"\s+(?:or|and)\s+|/", part):
            words = re.findall(r"[^\W\d_][\w'’-]*", piece)
            while len(words) > 1 and _AFTER.fullmatch(words[-1]):
                words.pop()  # "armour held" in the hand, "eyewear designed primarily" to
            if words:
                heads.append(words[-1].lower())
    return tuple(dict.fromkeys(heads))


def opening(lead: str) -> str:
    """Return the words of a lead that are compared with a definition."""
    return " ".join(lead.split()[:LEAD_WORDS])
