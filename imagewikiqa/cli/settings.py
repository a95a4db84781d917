"""Settings of the main job: defaults, then a YAML file, then --set, then options."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from imagewikiqa.cli.config import Closed, resolve_as
from imagewikiqa.core.classes import NAMED


class FilterConfig(Closed):
    """Which rates of right answers keep a question, of how many votes, and when they end."""

    keep_with: float = Field(0.9, gt=0, le=1)
    keep_without: float = Field(0.35, ge=0, lt=1)
    votes: int = Field(1, ge=1, le=24)
    votes_with: int = Field(1, ge=1, le=24)
    stop: Literal["never", "certain", "likely"] = "certain"


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
    form_cap: float = Field(0.15, gt=0, le=1)
    seed: int = Field(0, ge=0)
    filter: FilterConfig = FilterConfig()

    @field_validator("judge", mode="before")
    @classmethod
    def _one_judge_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("filter")
    @classmethod
    def _paper_asks_once(cls, value: FilterConfig, info: ValidationInfo) -> FilterConfig:
        if info.data.get("mode") == "paper" and (value.votes, value.votes_with) != (1, 1):
            raise ValueError("mode paper asks once, several votes are for mode strict")
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
    """Return the command that builds a set again; FILE, DIR and EARLIER_RUN stand for paths."""
    given, usual = as_config(settings), as_config(RebuildConfig())
    words = [f"--classes {_blank(settings.classes)}", f"--pages {_blank(settings.pages)}"]
    for name, value in given.items():
        if name in {"classes", "pages"} or value == usual.get(name):
            continue
        if name == "filter":
            same = usual["filter"]
            words += [f"--set filter.{k}={v}" for k, v in value.items() if v != same[k]]
        elif name == "form_cap":
            words.append(f"--set form_cap={value}")
        else:
            parts = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')} {_blank(str(one), name)}" for one in parts]
    words += [f"--limit {limit}"] if limit is not None else []
    return f"imagewikiqa rebuild {' '.join(words)} --out RUN"


def _blank(value: str, name: str = "") -> str:
    """Return a value without the path in it: a path is of one machine."""
    kind, _, path = value.partition(":")
    if name == "previous":
        return "EARLIER_RUN"
    if path and kind in {"dump", "folder", "index", "pins", "scripted"}:
        return f"{kind}:{'DIR' if kind in {'folder', 'index'} else 'FILE'}"
    if path and kind == "local":  # whether it is a folder, only this machine knows
        return "local:DIR_OR_HUB_ID"
    return "FILE" if not name and value not in {*NAMED, "sample"} else value
