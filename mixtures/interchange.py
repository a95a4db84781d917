"""Samples in the row forms that trainers read.

What every form can say, `builders llava` reads back as it was: id, images and turns. The loaders of
trainers pass over the fields they do not know, such as where a sample is from.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from imagewikiqa.builders.llava.row import TOKEN

# What a sample says of itself beside its id and turns, in the order of its JSON.
FACTS = ("source", "source_id", "class_id", "named_class_id", "template")
_ROLES = {"human": "user", "gpt": "assistant"}


def to_llava(sample: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return a sample as LLaVA's training JSON: `image` is one name, or a list of several."""
    shown: dict[str, Any] = {}
    if images:
        shown["image"] = images[0] if len(images) == 1 else list(images)
    return {"id": sample["id"], **shown, "conversations": _said(sample), **_facts(sample)}


def to_sharegpt(sample: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return a sample with LLaVA's `conversations`, and always a list of `images`."""
    shown = {"conversations": _said(sample), "images": list(images)}
    return {"id": sample["id"], **shown, **_facts(sample)}


def to_messages(sample: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return a sample as `messages` with roles user and assistant, and `images` in their order.

    An <image> in a text is where an image stands.
    """
    said = [
        {"role": _ROLES[turn["from"]], "content": turn["value"]} for turn in sample["conversations"]
    ]
    return {"id": sample["id"], "messages": said, "images": list(images), **_facts(sample)}


def to_chat(sample: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return a sample as `messages` whose contents are lists of typed parts, as chat templates take
    them: an image is a part without text, and the line break next to it is the template's to write.
    """
    said = [
        {"role": _ROLES[turn["from"]], "content": _parts(turn["value"])}
        for turn in sample["conversations"]
    ]
    return {"id": sample["id"], "messages": said, "images": list(images), **_facts(sample)}


def _parts(text: str) -> list[dict[str, str]]:
    parts: list[dict[str, str]] = []
    for place, piece in enumerate(text.split(TOKEN)):
        if place:
            parts.append({"type": "image"})
            piece = piece.removeprefix("\n")
        if piece:
            parts.append({"type": "text", "text": piece})
    return parts


def _said(sample: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"from": turn["from"], "value": turn["value"]} for turn in sample["conversations"]]


def _facts(sample: Mapping[str, Any]) -> dict[str, str]:
    return {name: sample[name] for name in FACTS if isinstance(sample.get(name), str)}
