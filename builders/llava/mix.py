"""What to read: one file, or the files of a LLaVA-NeXT / OneVision mix with their strategies."""

import heapq
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, Field, ValidationError

from imagewikiqa.builders.llava.stream import Advance, read_raw
from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Part

_BRACES = re.compile(r"(.*)\{([^{}]*)\}(\.jsonl?)", re.DOTALL)
_STRATEGY = re.compile(r"(all)|(first|end|random):([0-9]+)(%?)")


class _Entry(Part):
    """One line of the mix file."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # forks add fields of their trainers
    json_path: str = Field(min_length=1)
    sampling_strategy: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class MixPart:
    """One file of a mix: its name in ids, and which of its rows are taken."""

    source: str  # distinct within a mix
    path: Path
    strategy: str = "all"  # all, or first|end|random:N or N%


def read_mix(path: Path, data: Path | None = None) -> tuple[MixPart, ...]:
    """Return the parts of a mix file (.yaml), or those that a data file or DIR/{a,b}.json names.

    The paths in a published mix are those of its authors' machine: a file is taken where the mix
    says it is, else below `data` by the longest tail of that path. Raises ToolkitError naming the
    first of the files that are in neither place.
    """
    if data is not None and not data.is_dir():
        raise ToolkitError(
            f"there is no folder {data}: give --data the one that holds the files of the mix"
        )
    if path.suffix.lower() not in {".yaml", ".yml"}:
        return _named([(file, "all") for file in _expanded(str(path))])
    entries = _entries(path)
    listed = [(file, entry) for entry in entries for file in _expanded(entry.json_path)]
    found = [
        (_locate(file, data or path.parent), entry.sampling_strategy) for file, entry in listed
    ]
    missing = [file for (file, _), (there, _) in zip(listed, found, strict=True) if there is None]
    if missing:
        raise ToolkitError(
            f"{path.name} names {len(missing)} of {len(listed)} files that are not there, the first"
            f" is {missing[0]}: put them below one folder and give it as --data, or remove their"
            " lines"
        )
    return _named([(str(file), strategy) for file, strategy in found])


def _expanded(named: str) -> list[str]:
    """Return the paths that one means: DIR/{a,b}.json names two, as in LLaVA-NeXT's loader."""
    found = _BRACES.fullmatch(named)
    if found is None or Path(named).is_file():
        return [named]
    return [f"{found[1]}{name.strip()}{found[3]}" for name in found[2].split(",")]


def _named(files: Sequence[tuple[str, str]]) -> tuple[MixPart, ...]:
    """Return files and their strategies as parts whose sources are distinct and stand in ids."""
    parts: list[MixPart] = []
    taken: set[str] = set()
    for file, strategy in files:
        path = Path(file)
        if not path.is_file():
            what = f"{path} is no file" if path.exists() else f"there is no file {path}"
            raise ToolkitError(f"{what}: give a .json, .jsonl or .parquet file, or a .yaml mix")
        if file != file.encode(errors="replace").decode():  # it stands in ids and in config.yaml
            raise ToolkitError(f"the path {file!a} is not UTF-8: rename the file or its folder")
        times = (f"~{n}" if n > 1 else "" for n in itertools.count(1))
        source = next(name for t in times if (name := path.stem + t) not in taken)
        taken.add(source)
        parts.append(MixPart(source=source, path=path, strategy=strategy))
    return tuple(parts)


def read_part(
    part: MixPart, seed: int, advance: Advance | None = None
) -> Iterator[tuple[int, Any]]:
    """Yield the position (0-based) and the raw value of each row that the strategy takes, in order.

    `first` and `end` are as in LLaVA-NeXT (a share is rounded up), but for `end:0`, which takes all
    there and nothing here; `random` takes rows by a hash of seed, source and position, where
    LLaVA-NeXT shuffles without a seed.
    """
    wanted = _wanted(part, seed)
    for position, raw in enumerate(read_raw(part.path, advance)):
        if wanted is None or position in wanted:
            yield position, raw


def _wanted(part: MixPart, seed: int) -> range | frozenset[int] | None:
    """Return the positions that a strategy takes; None for all."""
    kind, count, share = _parse(part.strategy)
    if kind == "all":
        return None
    if kind == "first" and not share:
        return range(count)
    rows = sum(1 for _ in read_raw(part.path))
    taken = math.ceil(rows * count / 100) if share else count
    if kind == "first":
        return range(taken)
    if kind == "end":
        return range(max(0, rows - taken), rows)
    return frozenset(
        heapq.nsmallest(taken, range(rows), key=lambda at: (keyed_int(seed, part.source, at), at))
    )


def _parse(strategy: str) -> tuple[str, int, bool]:
    found = _STRATEGY.fullmatch(strategy.strip())
    if found is None or (found[4] and int(found[3]) > 100):
        raise ToolkitError(
            f"unknown sampling_strategy {strategy!r}; have: all, first:N, end:N, random:N, each N"
            " a number of rows or a share up to 100%"
        )
    return found[1] or found[2], int(found[3] or 0), bool(found[4])


def _entries(path: Path) -> list[_Entry]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        listed = content["datasets"] if isinstance(content, dict) else None
        if not isinstance(listed, list) or not listed:
            raise ToolkitError(f"{path} lists no datasets: write 'datasets:' and json_path lines")
        entries = [_Entry.model_validate(entry) for entry in listed]
    except OSError as error:
        raise ToolkitError(f"cannot read the mix {path} ({error.strerror}): check it") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError) as error:
        raise ToolkitError(
            f"{path} is no mix in YAML ({_first_line(error)}): correct it"
        ) from error
    except ValidationError as error:
        raise ToolkitError(
            f"{path}: a dataset of the mix is wrong ({_first_line(error)}): write json_path and"
            " sampling_strategy"
        ) from error
    for entry in entries:
        _parse(entry.sampling_strategy)
    return entries


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _locate(json_path: str, data: Path) -> Path | None:
    given = Path(json_path)
    tails = [
        Path(*given.parts[at:]) for at in range(1 if given.is_absolute() else 0, len(given.parts))
    ]
    for candidate in (given, *(data / tail for tail in tails)):
        if candidate.is_file():
            return candidate
    return None
