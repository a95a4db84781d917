"""The card tells what the folder holds, and no text from the data can change what it says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewikiqa.core.progress import Silent
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.exports.card import CardFacts, card
from imagewikiqa.mixtures.exports.licences import license_fields
from imagewikiqa.mixtures.exports.shards import contents_of
from imagewikiqa.mixtures.exports.tally import Tally, tally_of
from imagewikiqa.mixtures.plan_file import read_plan_report
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.recipe_kept import kept_recipe
from tests.mixtures.exports.made import RECIPE, make_mixture

HOSTILE = (
    "x` | **b** <img src=x onerror=alert(1)>\n\n---\n# Head\n{{ 7*7 }} [l](http://e.org) \"'\u202e"
)


def facts_of(mixture: Path, **changed: Any) -> CardFacts:
    contents = contents_of(mixture)
    report = read_plan_report(mixture)
    recipe = kept_recipe(mixture, report.recipe)
    tally = tally_of(contents, 1, Silent())
    given: dict[str, Any] = {
        "contents": contents, "report": report, "recipe": recipe, "tally": tally, "imagenet": (),
        "with_pixels": True,
    }  # fmt: skip
    return CardFacts(**{**given, **changed})


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


def test_the_counts_of_sources_templates_and_classes_are_those_of_the_shards(
    mixture: Path,
) -> None:
    text = body(card(facts_of(mixture)))
    assert "| pics | images named by their class | 18 | 0 | 3 |" in text
    assert "| talk | conversations as they were written | 6 | 2 | 0 |" in text
    assert re.search(r"\| pics \| `name_object@[0-9a-f]{12}` \| 18 \|", text)
    assert "| `grey_fox` | 6 |" in text and "Images: 10 jpg, 6 png, 6 webp." in text
    assert "24 training samples" in text and "in 7 WebDataset shards" in text
    assert "human: What type of object is in the photo?" in text


def test_a_licence_that_nobody_said_is_told_plainly(mixture: Path) -> None:
    text = body(card(facts_of(mixture)))
    assert "| pics | cc-by-4.0 | The painters of squares |" in text
    assert "| talk | **unknown**: nobody has said it | not given |" in text


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ((None, None), {"license": "unknown"}),
        (("mit", "MIT"), {"license": "mit"}),
        (("mit", None), {"license": "other"}),
        (("mit", "cc-by-4.0"), {"license": "other"}),
        (("ours alone",), {"license": "other"}),
    ],
)
def test_the_hub_is_told_one_licence_only_where_all_sources_say_it(
    said: tuple[str | None, ...], fields: dict[str, str]
) -> None:
    sources = [
        SourceSettings(name=f"s{at}", read="llava:x", license=one) for at, one in enumerate(said)
    ]
    assert license_fields(sources, ()).items() >= fields.items()


def hostile(facts: CardFacts) -> CardFacts:
    """Return facts whose every free text tries to break out of the card."""
    recipe = facts.recipe.model_copy(
        update={
            "about": HOSTILE,
            "sources": tuple(
                one.model_copy(update={"credit": HOSTILE, "license": HOSTILE})
                for one in facts.recipe.sources
            ),
        }
    )
    first = facts.report.sources[0].model_copy(
        update={"classes": {HOSTILE: 18}, "left_out": {HOSTILE: 1}}
    )
    report = facts.report.model_copy(update={"sources": [first, *facts.report.sources[1:]]})
    example = {"id": HOSTILE, "conversations": [{"from": "human", "value": HOSTILE}]}
    tally = Tally(facts.tally.templates, facts.tally.extensions, facts.tally.facts, set(), example)
    tally.templates["pics", HOSTILE] += 1
    return CardFacts(facts.contents, report, recipe, tally, (), True)


def test_hostile_texts_change_neither_the_metadata_nor_the_page(mixture: Path) -> None:
    plain = facts_of(mixture)
    text, usual = card(hostile(plain)), card(plain)
    head = yaml.safe_load(text.split("---\n", 2)[1])
    assert head["configs"] == yaml.safe_load(usual.split("---\n", 2)[1])["configs"]
    heads = [line for line in body(text).splitlines() if line.startswith("#")]
    assert heads == [line for line in body(usual).splitlines() if line.startswith("#")]
    assert "---" not in body(text).splitlines() and "\u202e" not in text
    outside = [line for line in body(text).splitlines() if not line.startswith("    ")]
    page = re.sub(r"```.*?```", "", "\n".join(outside), flags=re.DOTALL)
    page = re.sub(r"`[^`]*`", "", re.sub(r"\\.", "", page))  # what is escaped, and spans of code
    assert not re.search(r"<img|\*\*b|\[l\]", page) and "49" not in page
    for line in outside:
        if line.startswith("|"):
            cells = re.findall(r"(?<!\\)\|", line)
            assert len(cells) in (3, 4, 6), line


def test_samples_named_wrongly_on_purpose_are_told(mixture: Path, tmp_path: Path) -> None:
    assert "on purpose" not in card(facts_of(mixture))
    noisy = make_mixture(tmp_path, RECIPE.replace("epochs: 2", "epochs: 2\n    wrong_names: 0.5"))
    wrong = sum("named_class_id" in sample.record for sample in load(noisy))
    assert wrong > 0
    told = card(facts_of(noisy))
    assert f"**{wrong} samples are named as another class on purpose**" in told


def test_a_long_recipe_and_many_classes_are_cut_with_a_word_about_the_rest(mixture: Path) -> None:
    facts = facts_of(mixture)
    many = {f"class-{at:03d}": 1 for at in range(150)}
    source = facts.recipe.sources[0].model_copy(update={"epochs": None, "frequencies": many})
    recipe = facts.recipe.model_copy(update={"sources": (source, facts.recipe.sources[1])})
    first = facts.report.sources[0].model_copy(update={"classes": many})
    report = facts.report.model_copy(update={"sources": [first, facts.report.sources[1]]})
    text = card(CardFacts(facts.contents, report, recipe, facts.tally, (), True))
    assert "The rest stands in `recipe.yaml`." in text
    assert "150 classes occur; these are the 20 most frequent" in text
    assert "`class-019`" in text and "| `class-020`" not in text


def test_words_that_this_version_no_longer_has_are_not_told_as_those_of_the_mixture(
    mixture: Path,
) -> None:
    facts = facts_of(mixture)
    first = facts.report.sources[0].model_copy(update={"templates": {"name_object": "0" * 64}})
    report = facts.report.model_copy(update={"sources": [first, facts.report.sources[1]]})
    text = card(CardFacts(facts.contents, report, facts.recipe, facts.tally, (), True))
    assert "other words than this version" in text and "human: What type" not in text


def test_text_alone_is_told_as_such(mixture: Path) -> None:
    facts = facts_of(mixture)
    facts.tally.extensions.clear()
    text = card(facts)
    assert yaml.safe_load(text.split("---\n", 2)[1])["task_categories"] == ["text-generation"]
    assert "Images:" not in body(text).split("## Reading it")[0]
