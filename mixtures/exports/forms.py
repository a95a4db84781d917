"""The row forms that a mixture is exported in: whose they are, and how their file is framed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.interchange import to_chat, to_llava, to_messages, to_sharegpt

IMAGES = "images"  # folder of the images in an export


@dataclass(frozen=True, slots=True)
class Form:
    """One form: its file, its rows, from where its image names begin, and who reads it."""

    name: str
    data: str
    row: Callable[[Mapping[str, Any], Sequence[str]], dict[str, Any]]
    below: str  # folder of the export that image names begin at
    readers: str
    factory: Mapping[str, Mapping[str, str]] | None = None  # of LLaMA-Factory's dataset_info.json

    def image(self, shard: str, name: str) -> str:
        """Return how rows name an image of a shard."""
        inside = f"{shard}/{name}"
        return inside if self.below == IMAGES else f"{IMAGES}/{inside}"

    def framed(self, rows: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of the file: a JSON list with a row a line, or JSON lines."""
        is_list = self.data.endswith(".json")
        if not is_list:
            yield from (row + b"\n" for row in rows)
            return
        yield b"["
        for place, row in enumerate(rows):
            yield (b",\n" if place else b"\n") + row
        yield b"\n]\n"


_TAGS = {
    "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
}  # fmt: skip
_FACTORY = (
    "LLaMA-Factory, with --dataset_dir OUT, and by ms-swift; images are named from OUT, where"
    " ms-swift's ROOT_IMAGE_DIR must point"
)
FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form("llava", "data.json", to_llava, IMAGES,
             "LLaVA's train.py, with --data_path OUT/data.json --image_folder OUT/images"),
        Form("sharegpt", "data.jsonl", to_sharegpt, "", _FACTORY,
             {"columns": {"messages": "conversations", "images": "images"}}),
        Form("messages", "data.jsonl", to_messages, "", _FACTORY,
             {"columns": {"messages": "messages", "images": "images"}, "tags": _TAGS}),
        Form("chat", "data.jsonl", to_chat, "",
             "TRL, axolotl and the chat templates of transformers; images are named from OUT, and"
             " cast_column('images', List(Image())) of datasets opens them"),
    )
}  # fmt: skip


def form_of(name: str) -> Form:
    """Return a form by name; ToolkitError lists the names there are."""
    if name not in FORMS:
        raise ToolkitError(f"there is no form {name!r}; have: {', '.join(FORMS)}, hub")
    return FORMS[name]


def factory_info(form: Form, mixture: str) -> dict[str, Any] | None:
    """Return what LLaMA-Factory's dataset_info.json says of a form; None where it reads it not."""
    if form.factory is None:
        return None
    return {mixture: {"file_name": form.data, "formatting": "sharegpt", **form.factory}}
