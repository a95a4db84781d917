"""A plan holds what was asked, in an order that depends on nothing but the seed and the names."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import plan as planning
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.plan_file import PLAN, read_plan_report, read_shard_plan, shard_digest
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.records import PlanRow
from imagewikiqa.mixtures.sources.open import open_sources
from tests.mixtures.fake_sources import FakeSource, fake_recipe
from tests.mixtures.small_sources import make_images, make_rows, small_recipe

Rows = tuple[tuple[str, str, bool, bool], ...]


def rows(count: int, classes: int = 3, prefix: str = "r") -> Rows:
    """Return rows of which every fifth is unusable."""
    return tuple((f"{prefix}{n}", f"c{n % classes}", n % 5 != 4, True) for n in range(count))


def planned(recipe: Recipe, tables: Sequence[Rows], out: Path) -> tuple[PlanReport, list[PlanRow]]:
    pairs = zip(recipe.sources, tables, strict=True)
    report = plan(recipe, [FakeSource(settings, table) for settings, table in pairs], out)
    assert read_plan_report(out) == report
    shards = [read_shard_plan(out, number) for number in range(report.shards)]
    for number, shard in enumerate(shards):
        assert [(row.shard, row.slot) for row in shard] == [(number, n) for n in range(len(shard))]
    return report, [row for shard in shards for row in shard]


def ids_of(found: Sequence[PlanRow], table: Rows) -> list[tuple[str, int]]:
    return [(table[row.row][0], row.repeat) for row in found]


def test_one_epoch_is_every_usable_row_once_in_keyed_order(tmp_path: Path) -> None:
    table = rows(40)
    report, found = planned(fake_recipe([{"name": "a"}], seed=7), [table], tmp_path)
    order = sorted(
        (row[0] for row in table if row[2]),
        key=lambda name: keyed_int(7, "place", "a", name, 0),
    )
    assert ids_of(found, table) == [(name, 0) for name in order]
    assert report.sources[0].left_out == {"truncated": 8}
    assert len({row.key for row in found}) == len(found) == report.samples == 32


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 4)), min_size=1, max_size=3),
    st.data(),
)
def test_every_amount_is_exact(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int]], data: st.DataObject
) -> None:
    sources: list[dict[str, Any]] = []
    wanted = []
    for at, (count, classes) in enumerate(shapes):
        usable = sum(row[2] for row in rows(count))
        kind = data.draw(st.sampled_from(["count", "epochs", "per_class", "frequencies"]))
        value: Any = data.draw(st.integers(1, 50))
        if kind == "epochs":
            value = value / 10
            wanted.append(round(value * usable))
        elif kind == "per_class":
            by_class = Counter(row[1] for row in rows(count, classes) if row[2])
            wanted.append(sum(min(n, value) for n in by_class.values()))
        elif kind == "frequencies":
            there = sorted({row[1] for row in rows(count, classes) if row[2]})
            value = {one: data.draw(st.integers(0, 20), label=one) for one in there} | {"c0": 3}
            wanted.append(sum(value.values()))
        else:
            wanted.append(value)
        sources.append({"name": f"s{at}", kind: value})
    if not sum(wanted):
        return
    tables = [rows(*shape) for shape in shapes]
    recipe = fake_recipe(sources, shard={"samples": data.draw(st.integers(1, 20))})
    report, found = planned(recipe, tables, tmp_path_factory.mktemp("plan"))
    assert [one.samples for one in report.sources] == wanted
    counts = Counter(row.source for row in found)
    assert [counts[f"s{at}"] for at in range(len(shapes))] == wanted
    assert len({row.key for row in found}) == len(found)
    for at, settings in enumerate(recipe.sources):
        here = [row for row in found if row.source == settings.name]
        assert all(tables[at][row.row][2] for row in here)
        times = Counter(tables[at][row.row][0] for row in here)
        seen = Counter(tables[at][row.row][1] for row in here)
        assert {one: n for one, n in report.sources[at].classes.items() if n} == dict(seen)
        if settings.frequencies:
            assert all(seen[one] == n for one, n in settings.frequencies.items())
        elif settings.per_class:
            assert all(n <= settings.per_class for n in seen.values())
        elif times:
            unseen = len(times) < sum(row[2] for row in tables[at])
            assert max(times.values()) - (0 if unseen else min(times.values())) <= 1


@given(
    st.integers(0, 99),
    st.integers(1, 4),
    st.one_of(
        st.integers(1, 60).map(lambda n: ("count", n)),
        st.integers(5, 40).map(lambda n: ("epochs", n / 10)),
        st.integers(1, 60).map(lambda n: ("weight", n)),
    ),
)
def test_an_amount_is_exact_under_a_cap_of_classes_too(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cap: int, asked: tuple[str, float]
) -> None:
    kind, amount = asked
    source = {"name": "a", "per_class": cap, kind: amount}
    more = {"samples": amount} if kind == "weight" else {}
    recipe = fake_recipe([source], seed=seed, **more)
    report, found = planned(recipe, [rows(37)], tmp_path_factory.mktemp("plan"))
    capped = 3 * cap
    assert report.samples == (round(amount * capped) if kind == "epochs" else amount)
    times = Counter(row.row for row in found)
    assert max(times.values()) - (min(times.values()) if len(times) == capped else 0) <= 1
    assert max(Counter(row % 3 for row in times).values()) <= cap


def test_weights_share_out_what_the_others_leave(tmp_path: Path) -> None:
    sources = [{"name": "a", "weight": 2}, {"name": "b", "weight": 1}, {"name": "c", "count": 5}]
    recipe = fake_recipe(sources, samples=105)
    report, _ = planned(recipe, [rows(10), rows(500), rows(9)], tmp_path)
    assert [one.samples for one in report.sources] == [67, 33, 5]
    with pytest.raises(ToolkitError, match="give 5 samples, more than the 4 asked for"):
        planned(fake_recipe(sources, samples=4), [rows(10), rows(500), rows(9)], tmp_path)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 3), st.booleans())
def test_samples_keep_their_order_when_a_source_grows(
    tmp_path_factory: pytest.TempPathFactory, small: int, more: int, seed: int, part: bool
) -> None:
    drawn = {"count": 7} if part else {"epochs": 2}
    recipe = fake_recipe([{"name": "a", **drawn}, {"name": "b"}], seed=seed)
    other = rows(11, prefix="o")
    before = planned(recipe, [rows(small), other], tmp_path_factory.mktemp("before"))[1]
    grown = (*rows(more, prefix="new"), *rows(small))  # before the old rows: their numbers change
    after = planned(recipe, [grown, other], tmp_path_factory.mktemp("after"))[1]
    was = [row.key for row in before]
    now = [row.key for row in after]
    assert [key for key in now if key in set(was)] == [key for key in was if key in set(now)]
    if not part:
        assert set(was) <= set(now)
    else:
        assert {row.key for row in before if row.source == "b"} <= set(now)


def test_the_same_recipe_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> str:
        recipe = fake_recipe([{"name": "a"}, {"name": "b", "epochs": 1.5}], seed=seed)
        planned(recipe, [rows(40), rows(30, prefix="b")], tmp_path / name)
        return hashlib.sha256((tmp_path / name / PLAN).read_bytes()).hexdigest()

    assert made("one", 0) == made("two", 0) != made("three", 1)


def test_text_only_samples_stand_in_shards_of_their_own_spread_among_the_others(
    tmp_path: Path,
) -> None:
    table = tuple((f"r{n}", "c", True, n % 4 != 0) for n in range(400))
    recipe = fake_recipe([{"name": "a"}], shard={"samples": 10})
    report, found = planned(recipe, [table], tmp_path)
    kinds: dict[int, set[bool]] = {}
    for row in found:
        assert (row.image_sha256 is not None) == table[row.row][3]
        kinds.setdefault(row.shard, set()).add(row.image_sha256 is not None)
    assert all(len(kind) == 1 for kind in kinds.values())
    assert report.text_only_shards == sum(kind == {False} for kind in kinds.values()) == 10
    assert sum(kinds[n] == {False} for n in range(20)) == 5


def test_a_shard_ends_at_its_samples_or_bytes(tmp_path: Path) -> None:
    recipe = fake_recipe([{"name": "a"}], shard={"samples": 9, "megabytes": 0.01})
    report, found = planned(recipe, [rows(40)], tmp_path)
    assert Counter(Counter(row.shard for row in found).values()) == {3: 10, 2: 1}  # of 2,560 bytes
    recipe = fake_recipe([{"name": "a"}], shard={"samples": 9, "megabytes": 0.000001})
    assert planned(recipe, [rows(40)], tmp_path)[0].shards == 32
    recipe = fake_recipe([{"name": "a"}], shard={"samples": 9})
    assert planned(recipe, [rows(40)], tmp_path)[0].shards == 4


def test_templates_are_drawn_for_each_sample_and_part_of_its_id(tmp_path: Path) -> None:
    both = ["name_object", "name_object_varied"]
    recipe = fake_recipe([{"name": "a", "templates": both, "epochs": 2}])
    _, found = planned(recipe, [rows(200)], tmp_path)
    assert 100 < Counter(row.template for row in found)["name_object"] < 220
    assert len({row.key for row in found}) == len(found) == 320
    for row in found[:20]:
        drawn = keyed_int(0, "template", "a", f"r{row.row}", row.repeat) % 2
        assert row.template == both[drawn]


def test_classes_without_an_image_and_empty_sources_are_named(tmp_path: Path) -> None:
    recipe = fake_recipe([{"name": "a", "frequencies": {"c9": 3}}])
    with pytest.raises(ToolkitError, match="source a has no usable image of class c9"):
        planned(recipe, [rows(9)], tmp_path)
    none = tuple((name, one, False, True) for name, one, _, _ in rows(4))
    with pytest.raises(ToolkitError, match=r"no row of source a can be drawn \(truncated: 4\)"):
        planned(fake_recipe([{"name": "a"}]), [none], tmp_path)


def test_a_class_that_no_row_has_and_a_mixture_of_nothing_are_refused(tmp_path: Path) -> None:
    recipe = fake_recipe([{"name": "a", "where": {"classes": ["c1", "c9"]}}])
    with pytest.raises(ToolkitError, match="source a has no class 'c9', which its where asks for"):
        planned(recipe, [rows(9)], tmp_path)
    with pytest.raises(ToolkitError, match="the recipe mix draws no sample at all"):
        planned(fake_recipe([{"name": "a", "epochs": 0.01}]), [rows(9)], tmp_path)
    assert not [*tmp_path.iterdir()]


def test_more_shards_or_samples_of_one_than_readers_take_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_SHARDS", 7)
    for count in (7, 8):
        recipe = fake_recipe([{"name": "a", "count": count}], shard={"samples": 1})
        if count == 7:
            assert planned(recipe, [rows(9)], tmp_path)[0].shards == 7
            continue
        with pytest.raises(ToolkitError, match="makes 8 shards, more than 7"):
            planned(recipe, [rows(9)], tmp_path)
    with pytest.raises(ValueError, match="less than or equal to 65536"):
        fake_recipe([{"name": "a"}], shard={"samples": 65_537})


def test_two_rows_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="two rows of source a have the id 'r0': make its table"):
        planned(fake_recipe([{"name": "a"}]), [(*rows(9), *rows(1))], tmp_path)


def test_a_changed_plan_is_refused(tmp_path: Path) -> None:
    planned(fake_recipe([{"name": "a"}]), [rows(9)], tmp_path)
    assert shard_digest(read_shard_plan(tmp_path, 0)) == shard_digest(read_shard_plan(tmp_path, 0))
    with pytest.raises(ToolkitError, match="has no shard 1"):
        read_shard_plan(tmp_path, 1)
    (tmp_path / PLAN).write_bytes((tmp_path / PLAN).read_bytes()[:-1])
    with pytest.raises(ToolkitError, match="is not the plan that"):
        read_plan_report(tmp_path)


def test_real_sources_are_planned_and_every_planned_sample_can_be_made(tmp_path: Path) -> None:
    make_images(tmp_path / "birds")
    make_rows(tmp_path / "talk")
    recipe = small_recipe(tmp_path)
    sources = open_sources(recipe, tmp_path / "work")
    report = plan(recipe, sources, tmp_path / "mix")
    assert (report.samples, report.shards, report.text_only_shards) == (15, 2, 1)
    by_name = {source.settings.name: source for source in sources}
    for shard in range(report.shards):
        for row in read_shard_plan(tmp_path / "mix", shard):
            source = by_name[row.source]
            said, span = source.sample(row.row, row.template, recipe.seed, row.repeat)
            assert said["id"] == row.sample_id
            assert (span is None) == (row.image_sha256 is None)
            if span is not None:
                data = Path(span.path).read_bytes()
                assert len(data) == span.length
                assert hashlib.sha256(data).hexdigest() == row.image_sha256
