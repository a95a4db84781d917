"""The tokens of the paper's counts: those of NLTK's word tokeniser, most sentences without it."""

import re
from functools import cache
from typing import Any

from imagewikiqa.core.errors import MissingExtraError

# Texts in which only commas, question and exclamation marks and a last full stop are cut off.
_PLAIN = re.compile(r"[a-z0-9 .,?!-]*")
_NOT_PLAIN = re.compile(r"\.\.|,,|--|\b(?:cannot|gimme|gonna|gotta|lemme|wanna)\b")
_CUT = re.compile(r",(?!\d)|[?!]")
_LAST_STOP = re.compile(r"(?<=[^.])\. *\Z")


def paper_tokens(lower: str) -> list[str]:
    """Return the tokens of one lower-case sentence, equal to NLTK's.

    A sentence of plain letters takes about 2 us, any other 100 or more in NLTK itself. Raises
    MissingExtraError where that is needed and not installed.
    """
    if _PLAIN.fullmatch(lower) and not _NOT_PLAIN.search(lower):
        return _CUT.sub(r" \g<0> ", _LAST_STOP.sub(" .", lower)).split()
    return list(_tokeniser().tokenize(lower))


@cache
def _tokeniser() -> Any:
    try:
        from nltk.tokenize import NLTKWordTokenizer
    except ImportError as error:
        raise MissingExtraError("nltk", "mix") from error
    return NLTKWordTokenizer()
