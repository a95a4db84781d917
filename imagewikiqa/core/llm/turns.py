"""The words of one turn, as services that are sent words alone take them."""

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Message, TextPart


def words_of(turn: Message, provider: str) -> str:
    """Return the words of a turn; raise ToolkitError for a picture, which is not sent so far."""
    texts = [part.text for part in turn.content if isinstance(part, TextPart)]
    if len(texts) < len(turn.content):
        raise ToolkitError(
            f"{provider} models are asked in words only so far: leave pictures out of the request"
        )
    return "\n".join(texts)
