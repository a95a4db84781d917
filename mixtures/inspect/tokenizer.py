"""Tokens of a text by the tokenizer.json of a model, without the library of the model."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import MissingExtraError, ToolkitError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_AT_ONCE = 1024  # texts


class TokenizerFile(NamedTuple):
    """A tokenizer.json and the sha256 of it; it travels to worker processes."""

    path: Path
    sha256: str

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, without those that a chat format would add."""
        tokenizer = _loaded(self)
        found = list[int]()
        for start in range(0, len(texts), _AT_ONCE):
            part = list(texts[start : start + _AT_ONCE])
            found += map(len, tokenizer.encode_batch_fast(part, add_special_tokens=False))
        return found


def tokenizer_file(path: Path) -> TokenizerFile:
    """Return the tokenizer of a file, or of a model's folder.

    Raises ToolkitError where there is none that can be used, MissingExtraError without the package.
    """
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file():
        raise ToolkitError(f"there is no {file}: give --tokenizer the tokenizer.json of a model")
    found = TokenizerFile(file, file_digest(file))
    _loaded(found)
    return found


@lru_cache(maxsize=1)
def _loaded(file: TokenizerFile) -> "Tokenizer":
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("tokenizers", "mix") from error
    try:
        tokenizer = Tokenizer.from_file(str(file.path))
    except Exception as error:  # the package raises nothing narrower
        raise ToolkitError(
            f"{file.path} is no tokenizer.json that the package tokenizers reads: give another"
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
