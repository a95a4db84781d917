"""Settings of the main job: defaults, then a YAML file, then --set, then options."""

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from imagewikiqa.cli.config import Closed, resolve_as
from imagewikiqa.core.classes import NAMED
from imagewikiqa.qa.kinds import KINDS, KindName

CORPUS = "corpus"  # the author and judge that ask no model


LLM_FILTER: dict[str, Any] = {
    "keep_with": 0.75, "votes": 10, "votes_with": 2, "stop": "likely", "retries": 2,
    "second_opinion": "on",
}  # fmt: skip


class FilterConfig(Closed):
    """Which rates of right answers keep a question, of how many votes, and when they end.

    The defaults are for judges that repeat themselves; with an LLM judge in mode strict what is
    not set is taken from LLM_FILTER, and the settings of a run show it. Its votes are the fewest
    calls that keep under 1% of what is guessed at 0.6 and over 90% of what is not, also where
    votes correlate or one letter is preferred (benchmarks/results/filter_curve.md).
    """

    keep_with: float = Field(0.9, gt=0, le=1)
    keep_without: float = Field(0.35, ge=0, lt=1)
    votes: int = Field(1, ge=1, le=24)
    votes_with: int = Field(1, ge=1, le=24)
    stop: Literal["never", "certain", "likely"] = "certain"
    retries: int = Field(0, ge=0, le=10)  # of a reply without a clear letter
    max_tokens: int = Field(16, ge=2)  # of a judge's reply; a cut one is asked for again, longer
    second_opinion: str = "off"  # on (the first LLM judge), off, or a model as in --judge
    repair: int = Field(0, ge=0, le=2)  # rounds of new wrong options, by an LLM author

    @field_validator("second_opinion", mode="before")
    @classmethod
    def _yaml_reads_on_and_off_as_truth(cls, value: object) -> object:
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    def for_models(self, *, author: bool) -> "FilterConfig":
        """Return these settings with what is not set as LLM judges, and an LLM author, need it."""
        usual = LLM_FILTER | ({"repair": 1} if author else {})
        return FilterConfig(**(usual | self.model_dump(include=self.model_fields_set)))


class DraftingConfig(Closed):
    """How an LLM author is asked: `max_tokens` in both modes, the rest in mode strict alone."""

    page_tokens: int = Field(6_000, ge=100)
    rounds: int = Field(3, ge=1, le=20)
    oversample: float = Field(1.6, ge=1, le=10)
    kinds: tuple[KindName, ...] = Field(tuple(KINDS), min_length=1)
    max_tokens: int | None = Field(None, ge=256, description="None is the mode's own")
    temperature: float | None = Field(None, ge=0, le=2)

    @field_validator("kinds")
    @classmethod
    def _each_kind_once(cls, value: tuple[KindName, ...]) -> tuple[KindName, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a kind is named twice")
        return value


class RebuildConfig(Closed):
    """Everything that decides a rebuilt dataset."""

    classes: str = "imagenet"
    pages: str = "wikipedia"
    language: str = "en"
    author: str = "corpus"
    judge: tuple[str, ...] = Field(("corpus",), min_length=1)
    images: str | None = None
    mode: Literal["strict", "paper"] = "strict"
    per_class: int = Field(5, ge=1)
    images_per_question: int = Field(3, ge=1)
    questions: int | None = Field(None, ge=1)
    items: int | None = Field(None, ge=1)
    previous: Path | None = None
    against: Path | None = None  # another set, no question of which is released
    form_cap: float = Field(0.15, gt=0, le=1)
    family_quota: float = Field(1.0, gt=0, le=1)  # share of one hypernym family; 1 is no quota
    splits: dict[str, float] = Field(default_factory=dict)
    seed: int = Field(0, ge=0)
    filter: FilterConfig = Field(FilterConfig(), validate_default=True)
    drafting: DraftingConfig = DraftingConfig()

    @field_validator("judge", mode="before")
    @classmethod
    def _one_judge_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("splits", mode="before")
    @classmethod
    def _shares_by_name(cls, value: object) -> object:
        """Return "train=0.8,test=0.2" as a mapping."""
        if not isinstance(value, str):
            return value
        pairs = (part.partition("=") for part in value.split(",") if part.strip())
        return {name.strip(): share for name, _, share in pairs}

    @field_validator("splits")
    @classmethod
    def _shares_of_one(cls, value: dict[str, float]) -> dict[str, float]:
        if bad := [name for name in value if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]:
            raise ValueError(f"a split is named in small letters, {bad[0]!r} is not")
        if value and (min(value.values()) <= 0 or abs(sum(value.values()) - 1) > 1e-9):
            raise ValueError("the shares of the splits are above 0 and add up to 1")
        return value

    @field_validator("filter")
    @classmethod
    def _filter_by_kind_of_judge(cls, value: FilterConfig, info: ValidationInfo) -> FilterConfig:
        paper = info.data.get("mode") == "paper"
        if paper and (value.votes, value.votes_with) != (1, 1):
            raise ValueError("mode paper asks once, several votes are for mode strict")
        if paper and (value.retries or value.repair or value.second_opinion != "off"):
            raise ValueError(
                "mode paper asks once: retries, repair and second_opinion are for mode strict"
            )
        llm = info.data.get("author", CORPUS) != CORPUS
        if value.repair and not llm:
            raise ValueError("repair asks the author's model, and author corpus has none")
        models = any(judge != CORPUS for judge in info.data.get("judge", ()))
        if value.second_opinion == "on" and not models:
            raise ValueError("second_opinion on asks the first LLM judge, and there is none")
        if paper or not models:
            return value
        return value.for_models(author=llm)

    @field_validator("drafting")
    @classmethod
    def _paper_asks_plainly(cls, value: DraftingConfig, info: ValidationInfo) -> DraftingConfig:
        usual = DraftingConfig(max_tokens=value.max_tokens)
        if info.data.get("mode") == "paper" and value != usual:
            raise ValueError("mode paper asks as the paper does: of these only max_tokens is free")
        return value

    @property
    def image_source(self) -> str:
        """Return the image source: ImageNet's validation names where the classes are ImageNet's."""
        if self.images is not None:
            return self.images
        return "imagenet-val" if self.classes in {"imagenet", "sample"} else "none"


def resolve(config: Path | None, assignments: list[str], options: dict[str, Any]) -> RebuildConfig:
    """Return the settings of the main job; later sources win."""
    return resolve_as(RebuildConfig, config, assignments, options)


def stored(run: Path) -> RebuildConfig | None:
    """Return the settings that a run folder was made with; None when it holds none."""
    file = run / "config.yaml"
    return resolve(file, [], {}) if file.is_file() else None


def as_config(settings: RebuildConfig) -> dict[str, Any]:
    """Return settings as they are written to config.yaml, ready for --config."""
    return settings.model_dump(mode="json", exclude_none=True)


def as_command(settings: RebuildConfig, limit: int | None) -> str:
    """Return the command that builds a set again; words in capitals stand for paths."""
    kind = RebuildConfig(mode=settings.mode, author=settings.author, judge=settings.judge)
    given, usual = as_config(settings), as_config(RebuildConfig())
    usual["filter"] = as_config(kind)["filter"]
    words = [f"--classes {_blank(settings.classes)}", f"--pages {_blank(settings.pages)}"]
    for name, value in given.items():
        if name in {"classes", "pages"} or value == usual.get(name):
            continue
        if name == "splits":
            words.append("--splits " + ",".join(f"{k}={v}" for k, v in value.items()))
        elif isinstance(value, dict):
            same = usual[name]
            words += [_assigned(f"{name}.{k}", v) for k, v in value.items() if v != same.get(k)]
        elif name in {"form_cap", "family_quota"}:
            words.append(f"--set {name}={value}")
        else:
            parts = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')} {_blank(str(one), name)}" for one in parts]
    words += [f"--limit {limit}"] if limit is not None else []
    return f"imagewikiqa rebuild {' '.join(words)} --out RUN"


def _assigned(name: str, value: object) -> str:
    """Return a setting as a word of a command; a list needs quotes in a shell."""
    if isinstance(value, list):
        return f"--set '{name}=[{', '.join(map(str, value))}]'"
    return f"--set {name}={value}"


def _blank(value: str, name: str = "") -> str:
    """Return a value without the path in it: a path is of one machine."""
    kind, _, path = value.partition(":")
    if name in {"previous", "against"}:
        return {"previous": "EARLIER_RUN", "against": "OTHER_SET"}[name]
    if path and kind in {"dump", "folder", "index", "pins", "scripted"}:
        return f"{kind}:{'DIR' if kind in {'folder', 'index'} else 'FILE'}"
    if path and kind == "local":  # whether it is a folder, only this machine knows
        return "local:DIR_OR_HUB_ID"
    return "FILE" if not name and value not in {*NAMED, "sample"} else value
