"""What a run would do, told without doing it."""

from typing import Any

from imagewikiqa.cli.job import checked_classes
from imagewikiqa.cli.models import parse_model, parse_models
from imagewikiqa.cli.settings import RebuildConfig


def plan(settings: RebuildConfig, limit: int | None) -> dict[str, Any]:
    """Return what a run would do, without doing it: classes, and calls to a model."""
    classes = len(checked_classes(settings)[:limit])
    judges = parse_models(settings.judge, "--judge")
    asked = sum(not spec.is_corpus for spec in judges)
    author = parse_model(settings.author, "--author")
    votes = settings.filter.votes + settings.filter.votes_with  # at most: most end early
    trials = 4 * votes if settings.mode == "strict" else 2
    rounds = settings.drafting.rounds if settings.mode == "strict" else 1
    return {
        "classes": classes,
        "author_calls": 0 if author.is_corpus else classes * rounds,  # at most
        "judge_calls_per_draft": asked * trials,
        "pages": settings.pages,
        "images": settings.image_source,
    }
