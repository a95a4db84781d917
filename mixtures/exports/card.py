"""The dataset card of a mixture: what it is, how it was made, whose it is, how to read it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from imagewikiqa import __version__
from imagewikiqa.core.classes import NAMED, load_classes
from imagewikiqa.core.report.markdown import code, indented, plain
from imagewikiqa.core.report.page import render
from imagewikiqa.mixtures.exports.licences import IMAGENET_TERMS, license_words
from imagewikiqa.mixtures.exports.metadata import metadata
from imagewikiqa.mixtures.exports.shards import Contents
from imagewikiqa.mixtures.exports.tally import Tally
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.recipe_kept import recipe_text
from imagewikiqa.prompts.conversation import load_conversation

CLASSES_SHOWN = 20
RECIPE_LINES = 100
_LONGEST = 400  # characters of a text in the example
_KINDS = {
    "captions": "captions of images",
    "images": "images named by their class",
    "llava": "conversations as they were written",
    "questions": "multiple-choice questions",
}


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card is made from."""

    contents: Contents
    report: PlanReport
    recipe: Recipe
    tally: Tally
    imagenet: tuple[str, ...]  # sources
    with_pixels: bool


def card(facts: CardFacts) -> str:
    """Return README.md: YAML that the hub reads, then text; data shows as it is."""
    head = metadata(
        facts.recipe,
        facts.tally,
        samples=facts.contents.samples,
        sha256=facts.contents.sha256,
        imagenet=facts.imagenet,
        with_pixels=facts.with_pixels,
    )
    recipe, whole = _recipe(facts.recipe)
    classes = _classes(facts)
    return render(
        "mixtures.exports/card.md",
        metadata=Markup(head),
        f=facts,
        version=__version__,
        images=facts.tally.extensions.total(),
        kinds=_kinds(facts.tally.extensions),
        shards=_shards(facts.contents),
        counts=_counts(facts),
        left_out=[*_left_out(facts.report)],
        templates=[*_templates(facts)],
        words=[*_words(facts)],
        classes=classes[:CLASSES_SHOWN],
        class_count=len(classes),
        recipe=recipe,
        recipe_is_whole=whole,
        sources=[*_sources(facts)],
        unknown=any(license_words(one, facts.imagenet) is None for one in facts.recipe.sources),
        written=any(one.kind in ("captions", "questions") for one in facts.recipe.sources),
        asked=any(one.kind == "questions" for one in facts.recipe.sources),
        example=_example(facts.tally.example),
        terms=IMAGENET_TERMS,
        plain=plain,
        code=code,
    ).rstrip() + "\n"  # fmt: skip


def _shards(contents: Contents) -> str:
    """Return the shards as webdataset names them, as in small-{000000..000011}.tar."""
    first, last = contents.shards[0].name, contents.shards[-1].name
    head, _, number = first.rpartition("-")
    if len(contents.shards) == 1:
        return contents.shards[0].file
    return f"{head}-{{{number}..{last.rpartition('-')[2]}}}.tar"


def _kinds(extensions: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(extensions.items()))


def _counts(facts: CardFacts) -> list[tuple[Markup, str, str, str, str]]:
    kinds = {one.name: _KINDS[one.kind] for one in facts.recipe.sources}
    return [
        (plain(one.name), kinds[one.name], f"{one.samples:,}", f"{one.text_only:,}",
         f"{sum(count > 0 for count in one.classes.values()):,}")
        for one in facts.report.sources
    ]  # fmt: skip


def _left_out(report: PlanReport) -> Iterator[tuple[Markup, Markup, str]]:
    for one in report.sources:
        for reason, count in sorted(one.left_out.items(), key=lambda pair: (-pair[1], pair[0])):
            yield plain(one.name), plain(reason), f"{count:,}"


def _templates(facts: CardFacts) -> Iterator[tuple[Markup, Markup, str]]:
    for (source, template), count in sorted(facts.tally.templates.items()):
        yield plain(source), code(template), f"{count:,}"


def _words(facts: CardFacts) -> Iterator[tuple[Markup, str, Markup]]:
    """Yield each template's name, digest and words, as far as this version still has them."""
    digests = {
        name: sha256 for one in facts.report.sources for name, sha256 in one.templates.items()
    }
    for name, sha256 in sorted(digests.items()):
        template = load_conversation(name)
        lines = [f"human: {one}" for one in template.questions] or ["(the turns of the source)"]
        lines += [f"gpt: {template.answer}"] if template.answer else []
        if template.sha256 != sha256:
            lines = ["(other words than this version of the toolkit has)"]
        yield code(name), sha256, indented("\n".join(line.replace("\n", "\\n") for line in lines))


def _classes(facts: CardFacts) -> list[tuple[Markup, Markup, str]]:
    """Return the classes with their samples over all sources, the most frequent first."""
    total: Counter[str] = Counter()
    for one in facts.report.sources:
        total.update({name: count for name, count in one.classes.items() if count})
    lists = {one.classes for one in facts.recipe.sources if one.classes in NAMED}
    names = {entry.id: entry.name for one in sorted(map(str, lists)) for entry in load_classes(one)}
    ranked = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(code(one), plain(names.get(one, "")), f"{count:,}") for one, count in ranked]


def _recipe(recipe: Recipe) -> tuple[Markup, bool]:
    lines = recipe_text(recipe).splitlines()
    return indented("\n".join(lines[:RECIPE_LINES])), len(lines) <= RECIPE_LINES


def _sources(facts: CardFacts) -> Iterator[tuple[Markup, Markup, Markup]]:
    """Yield each source with its licence and its credit."""
    for source in facts.recipe.sources:
        said = license_words(source, facts.imagenet)
        words = Markup("**unknown**: nobody has said it") if said is None else plain(said)
        yield plain(source.name), words, plain(source.credit or "not given")


def _example(record: Mapping[str, Any] | None) -> Markup:
    """Return a sample's JSON, indented: no text can close such a block."""
    return indented(json.dumps(_shortened(record), ensure_ascii=False, indent=2))


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    if isinstance(value, Mapping):
        return {name: _shortened(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [_shortened(one) for one in value[:6]]
    return value
