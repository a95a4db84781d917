"""Recipes are closed and typed; each mistake is one sentence that names the field."""

import re
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe_files import load_recipe, parse_recipe, recipe_names

GOOD = """
name: small
sources:
  - name: birds
    read: images:birds/index
    images: birds/images
  - name: talk
    read: llava:talk/rows.parquet
    count: 3
"""
PAPERS = """caltech caltech-captions cars cars-captions flowers flowers-captions
imagenet+llava665k imagenet-captions imagenet-only llava-665k llava-pretrain-558k pixmo-cap
vqa-style""".split()


def parsed(text: str) -> object:
    return parse_recipe("small.yaml", text, Path("/data"))


def test_the_recipes_of_the_papers_are_there_and_load() -> None:
    assert recipe_names() == PAPERS
    for name in PAPERS:
        recipe = load_recipe(name, Path("/data"))
        assert recipe.about and all(str(s.place).startswith("/data/") for s in recipe.sources)


def test_the_mix_of_the_paper_is_one_epoch_of_both() -> None:
    mix = load_recipe("imagenet+llava665k")
    assert [(s.kind, s.epochs, s.templates) for s in mix.sources] == [
        ("images", 1, ("name_object",)),
        ("llava", 1, ("as_written",)),
    ]


def test_a_file_names_its_paths_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(GOOD)
    recipe = load_recipe(str(tmp_path / "small.yaml"))
    assert recipe.sources[0].place == tmp_path / "birds/index"
    assert recipe.sources[0].images == tmp_path / "birds/images"
    assert recipe.sources[0].templates == ("name_object",)


def test_frequencies_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    asked = GOOD.replace("images: birds/images", "frequencies: counts.json")
    (tmp_path / "counts.json").write_text('{"n1": 3, "n2": 0}')
    recipe = parse_recipe("small", asked, tmp_path)
    assert recipe.sources[0].frequencies == {"n1": 3, "n2": 0}
    with pytest.raises(ToolkitError, match=r"the frequencies in .*counts.json cannot be read"):
        parse_recipe("small", asked, tmp_path / "nowhere")
    (tmp_path / "counts.json").write_text('{"n1": 3,\n "n1": 1}')
    with pytest.raises(ToolkitError, match=r"counts.json has 'n1' twice at line 2: keep one"):
        parse_recipe("small", asked, tmp_path)


def test_the_digest_is_of_what_decides_and_of_no_path() -> None:
    one = parse_recipe("a", GOOD, Path("/data"))
    assert one.digest == parse_recipe("a", GOOD + "about: words", Path("/elsewhere")).digest
    assert one.digest != parse_recipe("a", GOOD.replace("count: 3", "count: 4"), Path()).digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: small", "nam: small", "the field name is needed: give it"),
        ("count: 3", "cuont: 3", "there is no field cuont of source talk; have: classes, count"),
        ("count: 3", "count: 0", "count of source talk cannot be '0': input should be greater"),
        ("count: 3", "count: 3\n    epochs: 1", "source talk: epochs and count both say"),
        ("count: 3", "weight: 1", "talk has a weight: say with samples"),
        ("name: small", "name: small\nsamples: 3", "samples is shared out by weights"),
        ("name: talk", "name: birds", "two sources are named birds"),
        ("llava:talk", "lava:talk", "read of source talk: a reader is KIND:PATH with a kind of"),
        ("count: 3", "templates: [captoin]", "unknown conversation template 'captoin'; have: "),
        ("count: 3", "templates: [caption]", "the template caption takes a caption, which llava"),
        ("count: 3", "per_class: 3", "per_class needs classes, which LLaVA rows have not"),
        ("name: small", "name: small\nimage: {policy: cap}", "the policy cap needs a side"),
        ("name: small", "name: small\nimage: {side: 3}", "the policy keep changes no size"),
        ("name: small", "name: small\nshard: {size: 3}", "no field shard.size; have: megabytes, s"),
        ("name: small", "name: Small.x", "name cannot be 'Small.x'"),
        ("name: small", "name: [", "is not YAML at line"),
        (GOOD, "- 1", "holds no fields"),
        ("count: 3", "count: 3\n    count: 4", "has 'count' twice at line 10: keep one"),
        ("name: small", "name: small\nabout: 2026-02-30", "a date or number that cannot be"),
        ("count: 3", "where: {files: [no]}", "'False': write it in quotes"),
        ("count: 3", "where: {files: no}", "files of source talk cannot be 'False': input should"),
        ("name: small", "name: small\nshard: {megabytes: .inf}", "should be a finite number"),
        ("count: 3", "weight: .inf", "weight of source talk cannot be 'inf'"),
        ("count: 3", "where: {splits: [tset]}", "where.splits.0 of source talk cannot be 'tset'"),
    ],
)
def test_each_mistake_is_one_sentence_that_names_the_field(old: str, new: str, said: str) -> None:
    with pytest.raises(ToolkitError) as error:
        parsed(GOOD.replace(old, new, 1))
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("name.small.x", "name.small is no group of fields"),
        ("seed.a.b", "seed.a is no group of fields"),
        ("sources.nobody.count", "has no sources.nobody; have: birds, talk"),
        ("sources.talk.wher.files", "there is no field wher of source talk"),
    ],
)
def test_a_change_below_what_is_no_group_is_one_sentence(field: str, said: str) -> None:
    with pytest.raises(ToolkitError, match=re.escape(said)):
        parse_recipe("small", GOOD + "seed: 3\n", Path(), [(field, 1)])


def test_a_change_may_begin_a_group_that_the_file_leaves_out() -> None:
    changes = [("sources.talk.where.with_image", False), ("shard.samples", 2)]
    recipe = parse_recipe("small", GOOD + "shard:\n", Path(), changes)
    assert recipe.sources[1].where.with_image is False and recipe.shard.samples == 2


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(ToolkitError, match="unknown recipe 'imagenet'; have: caltech, "):
        load_recipe("imagenet")
