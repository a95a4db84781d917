"""A file that is not taken: a short countable reason, and a detail."""

from imagewikiqa.core.records import Reject

STAGE = "commons"


class RefusedError(Exception):
    """A file cannot be taken, for this reason."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def reject_row(class_id: str, title: str, refused: RefusedError) -> Reject:
    """Return the reject row of a file that was found for a class.

    Half characters, which a wiki may write in JSON and UTF-8 cannot hold, are shown as numbers.
    """
    return Reject(
        id=_whole(f"{STAGE}:{class_id}:{title}"),
        stage=STAGE,
        input=_whole(f"{class_id}:{title}"),
        reason=refused.reason,
        detail=_whole(refused.detail[:200]),
    )


def _whole(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
