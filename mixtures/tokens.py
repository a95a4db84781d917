"""The tokens of the paper's counts: those of NLTK's word tokeniser, most sentences without it."""

import re
from functools import cache
from typing import Any

from imagewikiqa.core.errors import MissingExtraError

# Texts that need these few cuts of the tokeniser's thirty; quotes, dashes and all else go to NLTK.
_PLAIN = re.compile(r"[a-z0-9 .,:;?!()/'-]*")
_NOT_PLAIN = re.compile(
    r"\.\.|[,:][,:]|--|cannot|gimme|gonna|gotta|lemme|wanna"
    r"|'(?!(?:s|m|d|ll|re|ve|(?<=[a-z]n')t)(?![a-z0-9']))|(?<![a-z0-9])'"
)
_LAST_STOP = re.compile(r"(?<=[^.])\.(?=[) ]*\Z)")
_CUT = re.compile(r"[,:](?!\d)|[;?!()]")
_ENDING = re.compile(r"(?<=[^' ])('(?:s|m|d|ll|re|ve)|n't)(?= )")


def paper_tokens(lower: str) -> list[str]:
    """Return the tokens of one lower-case sentence, equal to NLTK's.

    A sentence of plain letters takes some 5 us, any other 100 or more in NLTK itself. Raises
    MissingExtraError where that is needed and not installed.
    """
    if _PLAIN.fullmatch(lower) and not _NOT_PLAIN.search(lower):
        cut = _CUT.sub(r" \g<0> ", _LAST_STOP.sub(" . ", lower))
        return (_ENDING.sub(r" \1", f"{cut} ") if "'" in cut else cut).split()
    return list(_tokeniser().tokenize(lower))


@cache
def _tokeniser() -> Any:
    try:
        from nltk.tokenize import NLTKWordTokenizer
    except ImportError as error:
        raise MissingExtraError("nltk", "mix") from error
    return NLTKWordTokenizer()
