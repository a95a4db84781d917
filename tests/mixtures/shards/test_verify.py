"""Whatever happens to one byte or file of a mixture is found, and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewikiqa.core.digests import canonical_json, keyed_int, keyed_order
from imagewikiqa.core.runs import pretty
from imagewikiqa.mixtures.records import Receipt
from imagewikiqa.mixtures.shards import verify
from imagewikiqa.mixtures.shards.verify import Fault, verify_mixture
from imagewikiqa.mixtures.shards.write import (
    read_receipt,
    receipt_path,
    shard_name,
    write_manifest,
    write_shard,
)
from tests.mixtures.shards.made import PLAN, make_mixture, samples

pytestmark = pytest.mark.faults
Note = Callable[[str, object], None]


def found(folder: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(fault.file, fault.kind, fault.samples) for fault in verify_mixture(folder)]


def flip(path: Path, bit: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def key_at(receipt: Receipt, place: int) -> tuple[str, ...]:
    """Return the key of the sample that a byte belongs to; none for the end mark."""
    return tuple(s.key for s in receipt.samples if s.offset <= place < s.offset + s.size)


def faults_by_file(folder: Path) -> dict[str, Fault]:
    """Return the faults, of which each file may have one."""
    faults = verify_mixture(folder)
    by_file = {fault.file: fault for fault in faults}
    assert len(by_file) == len(faults)
    return by_file


def test_a_whole_mixture_has_no_fault(tmp_path: Path) -> None:
    make_mixture(tmp_path, 5)
    assert verify_mixture(tmp_path) == []
    (tmp_path / "notes.txt").write_text("a reader may keep notes here")
    assert verify_mixture(tmp_path, workers=1) == []


def damage_all(folder: Path, shards: int, bits: int, cuts: int, swaps: int, gone: int) -> set[str]:
    """Damage that many shards of each kind, no shard twice; return which were missed."""
    make_mixture(folder, shards)
    order = keyed_order([shard_name("tiny", n) for n in range(shards)], str, "damage")
    receipts = {name: read_receipt(folder, name) for name in order}
    expected: dict[str, tuple[str, tuple[str, ...] | None]] = {}
    for name in order[:bits]:
        receipt = receipts[name]
        assert receipt is not None
        bit = keyed_int("bit", name) % (receipt.bytes * 8)
        flip(folder / name, bit)
        expected[name] = ("changed", key_at(receipt, bit // 8))
    for name in order[bits : bits + cuts]:
        receipt = receipts[name]
        assert receipt is not None
        left = keyed_int("cut", name) % receipt.bytes
        with (folder / name).open("r+b") as stream:
            stream.truncate(left)
        lost = tuple(s.key for s in receipt.samples if s.offset + s.size > left)
        expected[name] = ("cut", lost)
    swapped = order[bits + cuts : bits + cuts + swaps]
    for one, other in zip(swapped[::2], swapped[1::2], strict=True):
        (folder / one).rename(folder / "aside")
        (folder / other).rename(folder / one)
        (folder / "aside").rename(folder / other)
        expected |= {one: ("swapped", None), other: ("swapped", None)}
    for name in order[bits + cuts + swaps : bits + cuts + swaps + gone]:
        (folder / name).unlink()
        expected[name] = ("missing", ())
    faults = faults_by_file(folder)
    assert faults.keys() <= expected.keys()  # what is whole is not accused
    missed = set()
    for name, (kind, keys) in expected.items():
        fault = faults.get(name)
        if fault is None or fault.kind != kind or (keys is not None and fault.samples != keys):
            missed.add(name)
    return missed


def test_flipped_bits_cuts_swaps_and_losses_are_all_named(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    counts = (400, 50, 20, 20) if full_faults else (40, 10, 4, 4)
    missed = damage_all(tmp_path / "real", sum(counts) + 10, *counts)
    record_property("faults", f"{sum(counts) - len(missed)} of {sum(counts)} damages named")
    assert missed == set()


def test_a_check_that_hashes_nothing_misses_the_flipped_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_damages", lambda *_: ())
    assert len(damage_all(tmp_path, 12, 8, 0, 2, 2)) == 10


def test_any_bit_of_a_shard_is_found_with_its_sample(tmp_path: Path, full_faults: bool) -> None:
    make_mixture(tmp_path, 1, each=3)
    path = tmp_path / "tiny-000000.tar"
    receipt = read_receipt(tmp_path, path.name)
    assert receipt is not None
    every = 7 if full_faults else 211
    for bit in range(0, receipt.bytes * 8, every):
        flip(path, bit)
        touched = key_at(receipt, bit // 8)
        assert found(tmp_path) == [(path.name, "changed", touched)], f"bit {bit}"
        flip(path, bit)
    assert verify_mixture(tmp_path) == []


def test_any_bit_of_a_receipt_or_manifest_is_found(tmp_path: Path, full_faults: bool) -> None:
    make_mixture(tmp_path, 2, each=2)
    for name in ("tiny-000001.receipt.json", "manifest.json"):
        path = tmp_path / name
        for bit in range(0, path.stat().st_size * 8, 1 if full_faults else 29):
            flip(path, bit)
            assert verify_mixture(tmp_path, plan_sha256=PLAN) != [], f"bit {bit} of {name}"
            flip(path, bit)
    assert verify_mixture(tmp_path, plan_sha256=PLAN) == []


def test_a_foreign_shard_or_receipt_is_named(tmp_path: Path) -> None:
    make_mixture(tmp_path / "a", 2)
    write_shard(tmp_path / "a", "tiny-000007.tar", samples(range(50, 54)), PLAN)
    shutil.copy(tmp_path / "a/tiny-000001.tar", tmp_path / "a/copy.tar")
    assert found(tmp_path / "a") == [
        ("copy.tar", "foreign", ()),
        ("tiny-000007.receipt.json", "foreign", ()),
        ("tiny-000007.tar", "foreign", ()),
    ]


def test_a_shard_of_another_mixture_in_its_place_is_named(tmp_path: Path) -> None:
    make_mixture(tmp_path / "a", 2)
    write_shard(tmp_path / "b", "tiny-000001.tar", samples(range(50, 54)), PLAN)
    shutil.copy(tmp_path / "b/tiny-000001.tar", tmp_path / "a/tiny-000001.tar")
    ((name, kind, damaged),) = found(tmp_path / "a")
    assert (name, kind in ("changed", "cut", "grown"), len(damaged)) == ("tiny-000001.tar", True, 4)
    shutil.copy(tmp_path / "b/tiny-000001.receipt.json", tmp_path / "a/tiny-000001.receipt.json")
    assert ("tiny-000001.receipt.json", "changed", ()) in found(tmp_path / "a")


def test_receipts_that_changed_places_with_their_shards_are_named(tmp_path: Path) -> None:
    make_mixture(tmp_path, 2)
    for end in ("tar", "receipt.json"):
        one, other = (tmp_path / f"tiny-00000{n}.{end}" for n in (0, 1))
        one.rename(tmp_path / "aside")
        other.rename(one)
        (tmp_path / "aside").rename(other)
    kinds = {(file, kind) for file, kind, _ in found(tmp_path)}
    for n in (0, 1):
        assert (f"tiny-00000{n}.receipt.json", "swapped") in kinds
        assert (f"tiny-00000{n}.receipt.json", "changed") in kinds


def test_a_missing_or_damaged_receipt_is_named(tmp_path: Path) -> None:
    make_mixture(tmp_path, 3)
    receipt_path(tmp_path, "tiny-000000.tar").unlink()
    receipt_path(tmp_path, "tiny-000002.tar").write_text('{"version":1}')
    assert found(tmp_path) == [
        ("tiny-000000.receipt.json", "missing", ()),
        ("tiny-000002.receipt.json", "changed", ()),
        ("tiny-000002.receipt.json", "unreadable", ()),
    ]


def test_a_mixture_without_its_manifest_is_checked_and_named(tmp_path: Path) -> None:
    make_mixture(tmp_path, 2)
    (tmp_path / "manifest.json").unlink()
    assert found(tmp_path) == [("manifest.json", "missing", ())]
    flip(tmp_path / "tiny-000001.tar", 5)
    assert found(tmp_path)[1:] == [("tiny-000001.tar", "changed", ("s-000004",))]
    (tmp_path / "manifest.json").write_text("{}")
    assert found(tmp_path)[0] == ("manifest.json", "unreadable", ())
    assert found(tmp_path / "nowhere") == [("manifest.json", "missing", ())]


@pytest.mark.parametrize("change", [{"count": 3}, {"bytes": 512}, "gap"])
def test_a_receipt_that_contradicts_itself_is_named_though_the_manifest_lists_it(
    tmp_path: Path, change: dict[str, int] | str
) -> None:
    make_mixture(tmp_path, 2)
    receipt = read_receipt(tmp_path, "tiny-000001.tar")
    assert receipt is not None
    last = receipt.samples[-1]
    moved = last.model_copy(update={"offset": last.offset + 512})
    update = {"samples": (*receipt.samples[:-1], moved)} if isinstance(change, str) else change
    text = canonical_json(receipt.model_copy(update=update))
    receipt_path(tmp_path, "tiny-000001.tar").write_text(text)
    write_manifest(tmp_path, ["tiny-000000.tar", "tiny-000001.tar"], PLAN)
    assert ("tiny-000001.receipt.json", "disagrees") in {(f.file, f.kind) for f in
                                                         verify_mixture(tmp_path)}  # fmt: skip


def test_other_totals_and_a_key_of_two_shards_are_named(tmp_path: Path) -> None:
    names = [shard_name("tiny", n) for n in range(2)]
    for name in names:
        write_shard(tmp_path, name, samples(range(3)), PLAN)
    write_manifest(tmp_path, names, PLAN)
    keys = ("s-000000", "s-000001", "s-000002")
    assert found(tmp_path) == [(name, "disagrees", keys) for name in names]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(pretty(manifest | {"samples": 7}))
    assert found(tmp_path)[0] == ("manifest.json", "disagrees", ())


def test_a_manifest_that_names_a_file_elsewhere_is_unreadable(tmp_path: Path) -> None:
    make_mixture(tmp_path / "a", 1)
    manifest = json.loads((tmp_path / "a/manifest.json").read_text())
    for name in ("../b.tar", "/etc/b.tar", ".hidden.tar", "a/b.tar"):
        text = json.dumps(manifest | {"shards": {name: "0" * 64}})
        (tmp_path / "a/manifest.json").write_text(text)
        assert found(tmp_path / "a") == [("manifest.json", "unreadable", ())]


def test_a_fault_is_one_sentence() -> None:
    fault = Fault("a-000001.tar", "changed", "has changed bytes", ("k1", "k2", "k3", "k4"))
    assert str(fault) == "a-000001.tar has changed bytes (4 damaged: k1, k2, k3, ...)"
    assert str(Fault("a.tar", "missing", "is missing")) == "a.tar is missing"
