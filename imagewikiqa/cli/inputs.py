"""What a run reads: looked at before any work, and digested, so that no path decides a run."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from imagewikiqa.builders.dump_index import locate
from imagewikiqa.builders.images import load_images
from imagewikiqa.builders.sample import read_sample
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.cli.wiki import is_wiki, wiki_digest
from imagewikiqa.core.digests import digest, file_digest, text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Question
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.audit.contamination import Text
from imagewikiqa.qa.audit.load import load


def input_digests(
    settings: RebuildConfig, classes: Sequence[ClassEntry], site: Site
) -> dict[str, str]:
    """Return the sha256 of the class list, the pages, other sets and models in files."""
    found = {
        "classes": digest([entry.model_dump(mode="json") for entry in classes]),
        "pages": source_digest(settings.pages, site),
    }
    kind, _, place = settings.image_source.partition(":")
    if kind == "folder":
        found["images"] = _folder_digest(Path(place))
    elif kind == "index":
        found["images"] = file_digest(_index_table(Path(place)))
    if settings.previous is not None:
        found["previous"] = file_digest(previous_questions(settings.previous))
    if settings.against is not None:
        texts = read_against(settings.against)
        found["against"] = digest([[one.question, *one.choices] for one in texts])
    for name, spec in (("author", settings.author), *(("judge", one) for one in settings.judge)):
        kind, _, path = spec.partition(":")
        if kind == "scripted":
            found[f"{name} script"] = file_digest(Path(path))
    return found | _local_models(settings)


def _local_models(settings: RebuildConfig) -> dict[str, str]:
    """Return the digests of local models, so that a moved folder is still the same run."""
    found: dict[str, str] = {}
    specs = [settings.author, *settings.judge]
    for number, (kind, _, place) in enumerate(spec.partition(":") for spec in specs):
        if kind == "local":
            from imagewikiqa.eval.models.weights import find_weights

            name = f"judge {number} model" if number else "author model"
            found[name] = find_weights(place).digest
    return found


def check_images(settings: RebuildConfig, classes: Sequence[ClassEntry]) -> None:
    """Raise ToolkitError for an image source that cannot serve, before hours go into questions."""
    kind, _, folder = settings.image_source.partition(":")
    if kind == "folder" and folder:
        if not Path(folder).is_dir():
            raise ToolkitError(f"there is no folder {folder}: check the path after folder:")
        if not any(Path(folder).iterdir()):
            raise ToolkitError(
                f"there is no image in {folder}: give --images folder:DIR one that holds "
                "DIR/CLASS_ID/* or DIR/ILSVRC2012_val_*.JPEG"
            )
        return  # decoding all of it belongs to the stage
    if kind == "index" and folder:
        _index_table(Path(folder))
        return
    load_images(settings.image_source, classes)


def _index_table(folder: Path) -> Path:
    table = folder / "images.parquet"
    if not table.is_file():
        raise ToolkitError(
            f"there is no finished index in {folder}: make one with imagewikiqa builders images"
            " index, and give --images index:DIR its folder"
        )
    return table


def read_previous(release: Path) -> dict[str, Question]:
    """Return the questions of an earlier release by id; ToolkitError where it is none."""
    file = previous_questions(release)
    try:
        return {one.id: one for one in read_table(file, Question)}
    except ToolkitError as error:
        raise ToolkitError(
            f"--previous cannot use {file} ({str(error).partition(';')[0]}): "
            "give the questions.jsonl of a finished run"
        ) from error


def previous_questions(release: Path) -> Path:
    """Return the questions file of an earlier release: a run folder or the file itself."""
    file = release / "questions.jsonl" if release.is_dir() else release
    if not file.is_file():
        raise ToolkitError(
            f"there is no earlier release at {release}: give --previous a run folder "
            "or its questions.jsonl"
        )
    return file


def read_against(other: Path) -> list[Text]:
    """Return the questions that are not to be released, in order; ToolkitError for no set."""
    try:
        rows = load(other).rows
    except ToolkitError as error:
        raise ToolkitError(f"--against names no set of questions: {error}") from error
    return [Text(*one) for one in dict.fromkeys((row.question, row.choices) for row in rows)]


def source_digest(spec: str, site: Site) -> str:
    """Return the identity of a source of pages: its bytes, or which wiki it is."""
    if is_wiki(spec):
        return wiki_digest(spec, site)
    kind, _, path = spec.partition(":")
    if kind == "dump":
        files = locate(Path(path))  # the index decides what is found, so it counts too
        parts = [file_digest(file) for file in (files.dump, files.index) if file is not None]
        return parts[0] if len(parts) == 1 else digest(parts)
    if kind == "folder":
        return _folder_digest(Path(path))
    return digest([[page.title, text_digest(page.wikitext)] for page in read_sample()])


def _folder_digest(folder: Path) -> str:
    """Return the digest of a folder's file names and bytes, linked files as what they show."""
    if not folder.is_dir():
        raise ToolkitError(f"there is no folder {folder}: check the path after folder:")
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():  # a link to a folder is none, so no folder is walked twice
            name = os.fsencode(file.relative_to(folder).as_posix())  # it may be no UTF-8
            total.update(name + f"\0{file_digest(file)}\n".encode())
    return total.hexdigest()


def listing_digest(folder: Path, *, without: Path) -> str:
    """Return the digest of the names and sizes of all files below a folder, no byte of them read.

    `without` is a run folder, which may lie below it and which grows while we look.
    A file lost, added or cut is noticed, one overwritten by another of the same size is not. Linked
    folders are not entered. Raises ToolkitError for a folder that cannot be listed.
    """
    total, passed = hashlib.sha256(), without.resolve()

    def refuse(error: OSError) -> None:
        raise ToolkitError(
            f"cannot list {error.filename} ({error.strerror}): check the folder and its rights"
        ) from error

    for above, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(one for one in folders if Path(above, one).resolve() != passed)
        inside = os.path.relpath(above, folder)
        for name in sorted(files):
            total.update(os.fsencode(f"{inside}/{name}\0{_size(above, name)}\n"))
    return total.hexdigest()


def _size(folder: str, name: str) -> int:
    """Return the bytes of what a name shows; -1 where that is nothing, as for a broken link."""
    try:
        return Path(folder, name).stat().st_size
    except OSError:
        return -1
