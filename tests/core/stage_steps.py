"""Steps that worker processes can import; what a step did is told through files."""

import os
import time
from pathlib import Path

from imagewikiqa.core.records import Record, Reject
from imagewikiqa.core.stages import Outcome, RecordError


class Word(Record):
    """An input: a word and what shall happen to it."""

    text: str
    fate: str = "fine"


class Letter(Record):
    """An output: one letter of a word."""

    text: str


def letters(word: Word) -> Outcome[Letter]:
    """Return a row for each letter, a reject for each space."""
    rows = tuple(
        Letter(id=f"{word.id}-{at}", text=one) for at, one in enumerate(word.text) if one != " "
    )
    rejects = tuple(
        Reject(id=f"{word.id}-{at}", stage="letters", input=word.id, reason="a space")
        for at, one in enumerate(word.text)
        if one == " "
    )
    return Outcome(rows=rows, rejects=rejects)


async def step(word: Word) -> Outcome[Letter]:
    """Do to a word what its fate says."""
    if word.fate == "failed":
        raise RecordError("unreadable", f"word {word.id}")
    if word.fate == "bug":
        raise ZeroDivisionError(word.id)
    if word.fate == "interrupt":
        raise KeyboardInterrupt
    return letters(word)


async def told_step(word: Word) -> Outcome[Letter]:
    """Work slowly and leave a file that names the process, in the folder the word names."""
    time.sleep(0.002)
    (Path(word.fate) / f"{word.id}.{os.getpid()}").touch()
    return letters(word)
