"""Settings: defaults, then the file, then --set, then options; stored so that a run repeats."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.cli.settings import (
    DraftingConfig,
    FilterConfig,
    RebuildConfig,
    as_command,
    as_config,
    resolve,
    stored,
)
from imagewikiqa.core.errors import ToolkitError


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_nothing_given_is_the_contract() -> None:
    settings = resolve(None, [], {})
    assert (settings.classes, settings.author, settings.judge) == (
        "imagenet",
        "corpus",
        ("corpus",),
    )
    assert (settings.mode, settings.per_class, settings.images_per_question) == ("strict", 5, 3)
    assert (settings.pages, settings.questions, settings.items, settings.seed) == (
        "wikipedia", None, None, 0,
    )  # fmt: skip


def test_options_win_over_set_and_set_over_the_file_and_the_file_over_defaults(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "seed: 1\nper_class: 1\nitems: 1\n")
    settings = resolve(file, ["seed=2", "per_class=2"], {"seed": 3, "items": None})
    assert (settings.seed, settings.per_class, settings.items) == (3, 2, 1)
    assert settings.images_per_question == 3


def test_a_group_in_the_file_is_changed_by_one_assignment_and_keeps_the_rest(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "filter:\n  keep_with: 0.7\n  keep_without: 0.2\n")
    settings = resolve(file, ["filter.keep_with=0.8"], {})
    assert settings.filter == FilterConfig(keep_with=0.8, keep_without=0.2)


def test_assignments_are_read_as_yaml() -> None:
    settings = resolve(None, ["judge=[corpus, 'openai:m']", "questions=7", "images=none"], {})
    assert settings.judge == ("corpus", "openai:m")
    assert (settings.questions, settings.images) == (7, "none")


def test_several_votes_are_for_mode_strict_alone() -> None:
    several = resolve(None, ["filter.votes=8", "filter.stop=likely"], {}).filter
    assert (several.votes, several.votes_with, several.stop) == (8, 1, "likely")
    for setting in ("votes", "votes_with"):
        with pytest.raises(ToolkitError, match="mode paper asks once"):
            resolve(None, [f"filter.{setting}=2"], {"mode": "paper"})


def test_how_an_author_is_asked_is_for_mode_strict_but_for_the_length_of_a_reply() -> None:
    usual = resolve(None, [], {}).drafting
    assert (usual.page_tokens, usual.rounds, usual.oversample) == (6_000, 3, 1.6)
    assert usual.kinds == (
        "habitat", "use", "origin", "anatomy", "history", "numbers", "comparison",
    )  # fmt: skip
    given = ["drafting.rounds=2", "drafting.kinds=[use, numbers]", "drafting.temperature=0.5"]
    asked = resolve(None, given, {}).drafting
    assert asked == DraftingConfig(rounds=2, kinds=("use", "numbers"), temperature=0.5)
    for setting in (*given, "drafting.page_tokens=500", "drafting.oversample=2"):
        with pytest.raises(ToolkitError, match="mode paper asks as the paper does"):
            resolve(None, [setting], {"mode": "paper"})
    longer = resolve(None, ["drafting.max_tokens=9000"], {"mode": "paper"})
    assert longer.drafting.max_tokens == 9_000


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("drafting.rounds=0", "greater than or equal to 1"),
        ("drafting.oversample=0.9", "greater than or equal to 1"),
        ("drafting.kinds=[]", "at least 1"),
        ("drafting.kinds=[use, use]", "named twice"),
        ("drafting.kinds=[taste]", "'habitat', 'use'"),
        ("drafting.page_tokens=5", "greater than or equal to 100"),
        ("drafting.more=1", "have: kinds, max_tokens, oversample, page_tokens, rounds"),
    ],
)
def test_a_wrong_way_to_ask_an_author_is_named(assignment: str, words: str) -> None:
    with pytest.raises(ToolkitError) as refused:
        resolve(None, [assignment], {})
    assert words in str(refused.value)


def test_one_judge_needs_no_list(tmp_path: Path) -> None:
    assert resolve(written(tmp_path, "judge: corpus\n"), [], {}).judge == ("corpus",)


@pytest.mark.parametrize(
    ("classes", "images", "source"),
    [
        ("imagenet", None, "imagenet-val"),
        ("sample", None, "imagenet-val"),
        ("birds.csv", None, "none"),
        ("imagenet", "none", "none"),
        ("birds.csv", "folder:x", "folder:x"),
    ],
)
def test_images_come_from_the_validation_set_only_for_imagenet_classes(
    classes: str, images: str | None, source: str
) -> None:
    assert RebuildConfig(classes=classes, images=images).image_source == source


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("seed=x", "the setting seed cannot be 'x'"),
        ("seed=-1", "the setting seed cannot be -1"),
        ("seed.deep=1", "the setting seed cannot be"),
        ("filter=1", "the setting filter cannot be 1"),
        ("filter.keep_without=1", "the setting filter.keep_without cannot be 1"),
        ("filter.more=1", "have: keep_with, keep_without, max_tokens, repair, retries,"),
        ("more=1", "there is no setting more; have: against, author,"),
        ("judge=[]", "the setting judge cannot be"),
        ("mode=fast", "'strict' or 'paper'"),
        ("form_cap=2", "the setting form_cap cannot be 2"),
        ("seed", "--set takes name=value"),
        ("=1", "--set takes name=value"),
        ("seed={", "is not YAML"),
    ],
)
def test_a_wrong_assignment_is_named(assignment: str, words: str) -> None:
    with pytest.raises(ToolkitError) as refused:
        resolve(None, [assignment], {})
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_value_where_a_group_is_needed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="filter is a value, not a group"):
        resolve(written(tmp_path, "filter: 3\n"), ["filter.keep_with=0.8"], {})


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert resolve(written(tmp_path, "# nothing\n"), [], {}) == RebuildConfig()


def test_a_file_cannot_build_objects(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="is not YAML at line 1"):
        resolve(written(tmp_path, "seed: !!python/object/apply:os.getpid []\n"), [], {})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "pages": st.sampled_from(["sample", "dump:a: b.xml", "folder:é # x"]),
            "judge": st.lists(st.sampled_from(["corpus", "openai:m"]), min_size=1, max_size=2),
            "mode": st.sampled_from(["strict", "paper"]),
            "seed": st.integers(0, 2**63),
            "items": st.integers(1, 10**9),
            "previous": st.sampled_from(["old", "old/questions.jsonl"]),
            "filter": st.fixed_dictionaries(
                {}, optional={"keep_with": st.floats(0.01, 1), "keep_without": st.floats(0, 0.99)}
            ),
        },
    )
)
def test_stored_settings_read_back_as_themselves(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    settings = RebuildConfig.model_validate(values)
    text = yaml.safe_dump(as_config(settings), sort_keys=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    assert stored(folder) == settings


def test_a_command_quotes_a_list_of_kinds() -> None:
    settings = RebuildConfig(drafting=DraftingConfig(kinds=("use", "origin"), rounds=1))
    assert "--set drafting.rounds=1 --set 'drafting.kinds=[use, origin]'" in as_command(
        settings, None
    )


def test_a_folder_without_settings_has_none(tmp_path: Path) -> None:
    assert stored(tmp_path) is None


def test_the_command_of_a_set_names_what_differs_from_the_defaults_and_no_path() -> None:
    plain = RebuildConfig(classes="sample", pages="sample")
    assert as_command(plain, None) == (
        "imagewikiqa rebuild --classes sample --pages sample --out RUN"
    )
    settings = RebuildConfig(
        classes="/home/me/birds.csv", pages="dump:/home/me/pages.xml.bz2", images="folder:/home/me",
        author="scripted:/home/me/a", judge=("corpus", "scripted:/home/me/b"), mode="paper", seed=7,
        per_class=3, form_cap=0.2, family_quota=0.3, previous=Path("/home/me/old"),
        against=Path("/home/me/b"),
        filter=FilterConfig(keep_with=0.8),
    )  # fmt: skip
    assert as_command(settings, 12) == (
        "imagewikiqa rebuild --classes FILE --pages dump:FILE --author scripted:FILE --judge corpus"
        " --judge scripted:FILE --images folder:DIR --mode paper --per-class 3"
        " --previous EARLIER_RUN --against OTHER_SET --set form_cap=0.2"
        " --set family_quota=0.3 --seed 7"
        " --set filter.keep_with=0.8"
        " --limit 12 --out RUN"
    )
