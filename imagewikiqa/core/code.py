"""Which code this is, as a digest: what other code has finished is done again."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from importlib.metadata import version
from importlib.resources.abc import Traversable

DECIDING = ("inflect", "mwparserfromhell", "pillow", "pyarrow", "pydantic")
_COMPILED = "__pycache__"  # differs by machine and says nothing that the sources do not


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that can change a byte of the output."""
    return {name: version(name) for name in DECIDING}


@cache
def code_digest(packages: tuple[str, ...]) -> str:
    """Return the sha256 of all files of some packages and of the versions of `DECIDING`.

    Data files count as well as modules: forms, prompts and lexicons decide rows too. Raises
    ModuleNotFoundError for a package that is not installed.
    """
    total = hashlib.sha256(repr(sorted(package_versions().items())).encode())
    for package in packages:
        for name, file in _files(resources.files(package), (package,)):
            total.update(f"{'/'.join(name)}\0{len(file)}\0".encode())
            total.update(file)
    return total.hexdigest()


def _files(folder: Traversable, above: Sequence[str]) -> Iterator[tuple[Sequence[str], bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir() and entry.name != _COMPILED:
            yield from _files(entry, (*above, entry.name))
        elif entry.is_file():
            yield (*above, entry.name), entry.read_bytes()
