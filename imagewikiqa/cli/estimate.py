"""What the models of a run would cost, before any is asked: calls, tokens and price by stage.

Tokens are counted as a quarter of the characters. Pages are those already in the run folder, else
the sample's, else PAGE_TOKENS is assumed. `likely` is a run in which judges know the answer with
the name and guess at chance without it; `most` is every round, vote and retry that the settings
allow, each answer as long as it may be.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from imagewikiqa.builders.sample import read_sample
from imagewikiqa.cli.filter_stage import filter_settings, opinion_spec
from imagewikiqa.cli.models import ModelAccess, ModelSpec, parse_model, parse_models
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.core.llm.client import Usage
from imagewikiqa.core.llm.prices import Price, no_price, nothing_to_pay, price_of
from imagewikiqa.core.records import Page
from imagewikiqa.core.tables import read_table
from imagewikiqa.prompts.library import load_prompt
from imagewikiqa.qa.filter import FilterSettings
from imagewikiqa.qa.llm_author import AuthorSettings
from imagewikiqa.qa.repair import RepairSettings
from imagewikiqa.qa.second_opinion import OpinionSettings
from imagewikiqa.qa.sequential import (
    ROUND,
    even_rounds,
    most_against,
    most_wrong,
    operating,
    stop_rule,
)
from imagewikiqa.qa.strict_author import StrictSettings

PAGE_TOKENS = 9_000  # of one article of Wikipedia about an everyday thing
QUESTION_TOKENS = 150  # of one drafted question with its quote, as JSON
ASKED_TOKENS = 70  # of a question with four options
PASSAGE_TOKENS = 400  # around a quote
CHANCE, KNOWS = 0.25, 0.97  # right answers without the name and with it
GUESSED = 0.3  # of the drafts of a model, to be repaired
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """One stage and model: calls, tokens of all of them, and the price, None where unknown."""

    stage: str
    model: str
    calls: int
    most_calls: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    most_usd: float | None


def estimates(
    settings: RebuildConfig, classes: int, out: Path, access: ModelAccess
) -> list[dict[str, Any]]:
    """Return one row for each stage and model that would be asked."""
    author = parse_model(settings.author, "--author")
    judges = [one for one in parse_models(settings.judge, "--judge") if not one.is_corpus]
    strict = settings.mode == "strict"
    wanted = _strict(settings).wanted if strict else settings.per_class
    drafts = classes * wanted
    found = [] if author.is_corpus else [_drafting(settings, author, classes, out, access)]
    filtering = filter_settings(settings)
    found += [_judging("filter", one, drafts, filtering, settings, access) for one in judges]
    if settings.filter.repair and not author.is_corpus:
        found += _repairing(settings, author, judges, drafts, access)
    if (second := opinion_spec(settings)) is not None:
        found.append(_opinion(second, drafts, access))
    return [asdict(one) for one in found]


def total(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    """Return the sum of a price over stages; None as soon as one is not known."""
    prices = [row[name] for row in rows]
    return None if None in prices else round(sum(prices), 4)


def _strict(settings: RebuildConfig) -> StrictSettings:
    given = settings.drafting.model_dump(exclude_none=True)
    return StrictSettings(per_class=settings.per_class, seed=settings.seed, **given)


def _drafting(
    settings: RebuildConfig, author: ModelSpec, classes: int, out: Path, access: ModelAccess
) -> Ahead:
    page = _page_tokens(settings, out)
    if settings.mode == "strict":
        asked = _strict(settings)
        words = _prompt(asked.prompt) + min(page, asked.page_tokens)
        said, room, most = asked.wanted * QUESTION_TOKENS, asked.max_tokens, asked.rounds
    else:
        room = settings.drafting.max_tokens or AuthorSettings().max_tokens
        words, most = _prompt("make_mcq_paper") + page, 1
        said = settings.per_class * QUESTION_TOKENS
    # Most classes have enough after the first round or the second.
    calls = classes * min(most, 2)
    return _ahead("draft", author, calls, classes * most * 2, words, said // min(most, 2) or 1,
                  room, access)  # fmt: skip


def _judging(
    stage: str, judge: ModelSpec, drafts: int, filtering: FilterSettings, settings: RebuildConfig,
    access: ModelAccess,
) -> Ahead:  # fmt: skip
    words, room = _prompt("answer_blind") + ASKED_TOKENS, settings.filter.max_tokens
    if filtering.mode == "paper":
        return _ahead(stage, judge, drafts * 2, drafts * 2, words, 1, room, access)
    named, blind = filtering.votes_with * ROUND, filtering.votes * ROUND
    with_rule = stop_rule(named, most_wrong(named, filtering.keep_with), "certain")
    without = stop_rule(blind, most_against(blind, filtering.keep_without), filtering.stop)
    likely = operating(with_rule, even_rounds(named, 1 - KNOWS)).calls
    likely += operating(without, even_rounds(blind, CHANCE)).calls
    most = (named + blind) * (1 + filtering.retries)
    return _ahead(stage, judge, round(drafts * likely), drafts * most, words, 1, room, access)


def _repairing(
    settings: RebuildConfig, author: ModelSpec, judges: Sequence[ModelSpec], drafts: int,
    access: ModelAccess,
) -> list[Ahead]:  # fmt: skip
    repair = RepairSettings()
    calls, most = round(drafts * GUESSED), drafts * settings.filter.repair
    words = _prompt(repair.prompt) + ASKED_TOKENS + PASSAGE_TOKENS
    found = [_ahead("repair", author, calls, most, words, 60, repair.max_tokens, access)]
    filtering = filter_settings(settings)
    again = [_judging("repair", one, calls, filtering, settings, access) for one in judges]
    return found + again


def _opinion(second: ModelSpec, drafts: int, access: ModelAccess) -> Ahead:
    asked = OpinionSettings()
    words = _prompt(asked.prompt) + ASKED_TOKENS + PASSAGE_TOKENS
    most = drafts * 2 * (1 + asked.retries)
    return _ahead("opinion", second, drafts * 2, most, words, 50, asked.max_tokens, access)


def _ahead(
    stage: str, spec: ModelSpec, calls: int, most: int, words: int, said: int, room: int,
    access: ModelAccess,
) -> Ahead:  # fmt: skip
    price, share = _price(spec, access), 0.5 if access.batch else 1.0
    likely = price(spec.name, Usage(input_tokens=words, output_tokens=said))
    dearest = price(spec.name, Usage(input_tokens=words, output_tokens=room))
    return Ahead(
        stage=stage,
        model=str(spec),
        calls=calls,
        most_calls=most,
        input_tokens=calls * words,
        output_tokens=calls * said,
        usd=None if likely is None else round(likely * calls * share, 4),
        most_usd=None if dearest is None else round(dearest * most * share, 4),
    )


def _price(spec: ModelSpec, access: ModelAccess) -> Price:
    if spec.kind == "local":
        return nothing_to_pay
    if spec.kind == "anthropic" or (spec.kind == "openai" and not access.server):
        return price_of(spec.kind)
    return no_price


def _prompt(name: str) -> int:
    return len(load_prompt(name).body) // _CHARACTERS_A_TOKEN


def _page_tokens(settings: RebuildConfig, out: Path) -> int:
    """Return the tokens of an average page."""
    pages = out / "pages.jsonl"
    if pages.is_file():
        sizes = [len(page.text) for page in read_table(pages, Page)]
    elif settings.pages == "sample":
        sizes = [len(page.wikitext) for page in read_sample()]
    else:
        sizes = []
    return round(mean(sizes) / _CHARACTERS_A_TOKEN) if sizes else PAGE_TOKENS
