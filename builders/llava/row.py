"""One raw row made a clean conversation: known defects repaired or refused, and each one named."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.stream import NotJson
from imagewikiqa.prompts.library import load_prompt

TOKEN = "<image>"  # stands for an image in texts
Speaker = Literal["human", "gpt"]
_SPEAKERS: dict[object, str] = {
    "human": "human", "user": "human", "gpt": "gpt", "assistant": "gpt", "system": "system",
}  # fmt: skip
_UNSAFE = re.compile(r"\A[/\\~]|\A[A-Za-z]:|(?:\A|[/\\])\.\.(?:[/\\]|\Z)|[\x00-\x1f\\]")
_URL = re.compile(r"https?://[^\s]+\Z")
_LONGEST_NAME = 4096  # characters; no system opens a longer path


@dataclass(frozen=True, slots=True)
class Turn:
    """One speech of a conversation."""

    speaker: Speaker
    value: str


@dataclass(frozen=True, slots=True)
class LlavaRow:
    """A conversation over no, one or several images, and what was repaired in it."""

    row_id: str  # the file's own id, which may repeat
    images: tuple[str, ...]  # as the file names them
    turns: tuple[Turn, ...]
    repairs: tuple[str, ...]


def clean_row(raw: Any) -> LlavaRow:
    """Return a raw row as a conversation in LLaVA's form; raise DefectError when it is none.

    Takes LLaVA's `conversations`, the `messages` and `images` of chat formats, `instruction` and
    `input` and `output`, and a `caption` with an `image_url` (PixMo-Cap). Fields beside them are
    left out. An <image> stays where it stands; LLaVA's own loader moves it before its question.
    """
    if isinstance(raw, NotJson):
        raise DefectError("not JSON", raw.detail)
    if not isinstance(raw, dict):
        raise DefectError("no conversation", f"a {type(raw).__name__} instead of an object")
    if raw.get("video") or raw.get("videos"):
        raise DefectError("video row")
    repairs: list[str] = ["empty model field"] if raw.get("model") == "" else []
    turns = _ordered(_turns(raw), repairs)
    images = _images(raw, repairs)
    turns = _with_tokens(turns, images, repairs)
    return LlavaRow(_row_id(raw), images, tuple(turns), tuple(repairs))


def _row_id(raw: dict[str, Any]) -> str:
    value = _first(raw, "id", "question_id")
    return str(value) if isinstance(value, str | int) else ""


def _first(raw: dict[str, Any], *names: str) -> Any:
    """Return the first field that is there and not null: tables have every column in every row."""
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def _turns(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """Return speakers and texts in whichever form the row has them."""
    for key, speaker, text in (("conversations", "from", "value"), ("messages", "role", "content")):
        if isinstance(raw.get(key), list):
            return [_turn(turn, speaker, text) for turn in raw[key]]
    if isinstance(raw.get("instruction"), str) and isinstance(raw.get("output"), str):
        given = raw.get("input")  # what the instruction is to be applied to
        if not isinstance(given, str | None):
            raise DefectError("malformed turn", f"input is {type(given).__name__}")
        asked = f"{raw['instruction']}\n{given}" if given and given.strip() else raw["instruction"]
        return [("human", asked), ("gpt", raw["output"])]
    if isinstance(raw.get("caption"), str) and "image_url" in raw:
        return [
            ("human", f"{TOKEN}\n{load_prompt('describe_image').body}"),
            ("gpt", raw["caption"]),
        ]
    raise DefectError("no conversation", f"fields: {', '.join(sorted(map(str, raw)))[:200]}")


def _turn(turn: Any, speaker_key: str, text_key: str) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise DefectError("malformed turn", f"a {type(turn).__name__} instead of an object")
    text = turn.get(text_key)
    if isinstance(text, list):
        text = "".join(map(_content, text))
    if not isinstance(text, str):
        raise DefectError("malformed turn", f"{text_key} is {type(text).__name__}")
    named = turn.get(speaker_key)
    speaker = _SPEAKERS.get(named) if isinstance(named, str) else None
    if speaker is None:
        raise DefectError("unknown speaker", repr(named)[:80])
    return speaker, text


def _content(part: Any) -> str:
    """Return one part of a chat message: its text, or the token of an image."""
    if isinstance(part, dict):
        kind = part.get("type")
        if kind in {"image", "image_url"}:
            return TOKEN
        if kind == "text" and isinstance(text := part.get("text", part.get("value")), str):
            return text
        if kind in {"video", "video_url"}:
            raise DefectError("video row")
    raise DefectError("malformed turn", f"a part of a message is {str(part)[:80]!r}")


def _ordered(turns: list[tuple[str, str]], repairs: list[str]) -> list[Turn]:
    """Return question, answer, question, answer; what stands before or after is dropped."""
    if turns and turns[0][0] == "system":
        turns = turns[1:]
        repairs.append("system turn dropped")
    if turns and turns[0][0] == "gpt":
        turns = turns[1:]
        repairs.append("leading answer dropped")
    for number, (speaker, _) in enumerate(turns):
        if speaker == "system":
            raise DefectError("unknown speaker", f"a system turn at place {number + 1}")
        if speaker != ("gpt" if number % 2 else "human"):
            raise DefectError("speakers do not alternate", f"{speaker} at place {number + 1}")
    if len(turns) % 2:
        *turns, (_, last) = turns
        if TOKEN in last and not any(TOKEN in text for _, text in turns):
            # Its image would be taken for that of the first question.
            raise DefectError("no answer", "to the only question that holds <image>")
        repairs.append("trailing question dropped")
    if not turns:
        raise DefectError("no answer")
    for number, (_, text) in enumerate(turns):
        if not text.strip():
            reason = "empty answer" if number % 2 else "empty question"
            raise DefectError(reason, f"at place {number + 1}")
    return [Turn("gpt" if n % 2 else "human", text) for n, (_, text) in enumerate(turns)]


def _images(raw: dict[str, Any], repairs: list[str]) -> tuple[str, ...]:
    found = _first(raw, "image", "images", "image_url")
    messages = raw.get("messages")
    if (
        found is None
        and isinstance(messages, list)
        and not isinstance(raw.get("conversations"), list)
    ):
        found = [name for turn in messages for name in _named_in(turn)]
    if found is None or found == []:
        return ()
    names = found if isinstance(found, list) else [found]
    if not all(isinstance(name, str) for name in names):
        raise DefectError("malformed image", str(found)[:80])
    names = [name.strip() for name in names]
    if not any(names):
        repairs.append("empty image field")
        return ()
    for name in names:
        _check_name(name)
    return tuple(names)


def _check_name(name: str) -> None:
    """Raise DefectError for the name of an image that cannot be the path of a file, or a URL."""
    if not name:
        raise DefectError("malformed image", "a blank name among others")
    if name.startswith("data:") or len(name) > _LONGEST_NAME:
        raise DefectError("malformed image", f"no name but {len(name):,} characters of content")
    if not _URL.match(name) and _UNSAFE.search(name):
        raise DefectError("image path leaves the folder", name[:200])


def _named_in(turn: dict[str, Any]) -> list[Any]:
    """Return the images that a chat message names inside its content."""
    parts = turn.get("content")
    listed = parts if isinstance(parts, list) else []
    images = [part for part in listed if part.get("type") in {"image", "image_url"}]
    named = [part.get("value", part.get("image_url", part.get("image"))) for part in images]
    return [name.get("url") if isinstance(name, dict) else name for name in named]


def _with_tokens(turns: list[Turn], images: tuple[str, ...], repairs: list[str]) -> list[Turn]:
    """Return the turns with one <image> for each image.

    LLaVA's loader trains on such rows as they are, with no image or with that of the next row.
    """
    if any(TOKEN in turn.value for turn in turns[1::2]):
        raise DefectError("image token in an answer")
    tokens = sum(turn.value.count(TOKEN) for turn in turns)
    if tokens == len(images):
        return turns
    if not images:
        raise DefectError("image token without image", f"{tokens} tokens")
    if not tokens:
        repairs.append("image token added")
        first = Turn("human", f"{TOKEN}\n" * len(images) + turns[0].value)
        return [first, *turns[1:]]
    if len(images) > 1:
        raise DefectError(
            "image tokens differ from images", f"{tokens} tokens, {len(images)} images"
        )
    repairs.append("image token repeated")
    return _first_token_only(turns)


def _first_token_only(turns: list[Turn]) -> list[Turn]:
    kept: list[Turn] = []
    seen = False
    for turn in turns:
        value = turn.value
        if seen:
            value = value.replace(TOKEN, "")
        elif TOKEN in value:
            head, _, tail = value.partition(TOKEN)
            value, seen = f"{head}{TOKEN}{tail.replace(TOKEN, '')}", True
        if not value.strip():
            raise DefectError("empty question", "a question of nothing but a repeated image token")
        kept.append(Turn(turn.speaker, value))
    return kept
