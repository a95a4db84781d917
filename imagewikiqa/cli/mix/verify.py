"""`imagewikiqa mix verify`: every byte of a mixture against its receipts, manifest and plan."""

from collections.abc import Iterator
from pathlib import Path

from imagewikiqa.cli.output import show, show_lines
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.mixtures.exports.hub_folder import BUILT
from imagewikiqa.mixtures.plan_file import PLAN, REPORT, read_plan_report
from imagewikiqa.mixtures.shards.verify import Fault, verify_mixture
from imagewikiqa.mixtures.shards.write import MANIFEST


def run_verify(folder: Path, *, workers: int | None, as_json: bool) -> None:
    """Tell every fault of a mixture; ToolkitError when there is one."""
    if not folder.is_dir():
        raise ToolkitError(f"there is no folder {folder}: give that of a mixture")
    if (folder / BUILT).exists():
        _verify_texts(folder, as_json)
        return
    if not any(folder.glob("*.tar")) and not (folder / REPORT).exists():
        raise ToolkitError(f"{folder} holds no shard and no plan: give the folder of a mixture")
    plan = _plan(folder)
    faults = [] if isinstance(plan, str) else [plan]
    sha256 = plan if isinstance(plan, str) else None
    faults += verify_mixture(folder, plan_sha256=sha256 or None, workers=workers)
    if as_json:
        show({"faults": [*map(_as_json, faults)]}, True)
    else:
        show_lines([str(fault) for fault in faults] or [f"every byte of {folder} is right"])
    if faults:
        raise ToolkitError(
            f"{len(faults)} fault{'s' * (len(faults) > 1)} in {folder}: {'; '.join(_steps(faults))}"
        )


def _verify_texts(folder: Path, as_json: bool) -> None:
    """Tell what differs in a release without pixels, which has no shard but a run's manifest."""
    wrong = verify_manifest(folder)
    if as_json:
        show({"faults": wrong}, True)
    else:
        show_lines(wrong or [f"every byte of {folder} is right"])
    if wrong:
        raise ToolkitError(f"{len(wrong)} files of {folder} are wrong: export or fetch it again")


def _plan(folder: Path) -> str | Fault:
    """Return the digest of the plan beside the shards, "" without one, or what is wrong with it."""
    if not (folder / REPORT).exists():
        return ""
    try:
        return read_plan_report(folder).plan
    except ToolkitError:
        return Fault(PLAN, "changed", f"is not the plan that {REPORT} counts")


def _steps(faults: list[Fault]) -> Iterator[str]:
    """Yield what there is to do about them."""
    files = {fault.file for fault in faults if fault.kind != "missing"}
    if files - {MANIFEST, PLAN}:
        yield "delete the shards and receipts named"
    yield "run the same mix build again, or fetch the mixture again"


def _as_json(fault: Fault) -> dict[str, object]:
    return {
        "file": fault.file, "kind": fault.kind, "detail": fault.detail,
        "samples": list(fault.samples),
    }  # fmt: skip
