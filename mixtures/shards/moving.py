"""A finished shard takes its place: how several writers of the same shard come out as one."""

from pathlib import Path

from imagewikiqa.core.files import explained, sync_folder
from imagewikiqa.mixtures.shards.write import receipt_path


def move_shard(name: str, source: Path, target: Path) -> None:
    """Move a shard and then its receipt to another folder of the same file system.

    What stands there is replaced, its receipt withdrawn first. Raises ToolkitError for what the
    disk refuses.
    """
    receipt = receipt_path(target, name)
    with explained(target / name, "write"):
        if receipt.exists():
            receipt.unlink()
            sync_folder(target)
        for path in (source / name, receipt_path(source, name)):
            path.replace(target / path.name)
            sync_folder(target)
