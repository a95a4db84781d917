"""The words and pictures of one turn, as the services take them."""

import base64
from collections.abc import Callable
from typing import Any

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import ImagePart, Message, TextPart
from imagewikiqa.core.llm.images import Images, picture_bytes

Picture = Callable[[str, str], dict[str, Any]]


def words_of(turn: Message) -> str:
    """Return the words of a turn; raise ToolkitError for a picture, which only users may send."""
    texts = [part.text for part in turn.content if isinstance(part, TextPart)]
    if len(texts) < len(turn.content):
        raise ToolkitError(
            f"a picture stands in a turn of the {turn.role}: services take pictures of users only"
        )
    return "\n".join(texts)


def content_of(
    turn: Message, images: Images | None, picture: Picture
) -> str | list[dict[str, Any]]:
    """Return the words of a turn, or with pictures the list of its parts in their order.

    `picture` makes a service's own part of media type and base64. Raises ToolkitError where no
    pictures are at hand or taken, and CallError for one that cannot be sent.
    """
    if turn.role != "user" or all(isinstance(part, TextPart) for part in turn.content):
        return words_of(turn)
    if images is None:
        raise ToolkitError(
            "a request holds a picture, but nobody says where pictures are: give the provider "
            "its images, or leave pictures out of the request"
        )
    return [_part(part, images, picture) for part in turn.content]


def _part(part: TextPart | ImagePart, images: Images, picture: Picture) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    encoded = base64.b64encode(picture_bytes(part, images)).decode("ascii")
    return picture(part.media_type, encoded)
