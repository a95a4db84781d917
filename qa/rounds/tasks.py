"""Blind tasks: what a rater sees of a question, and the secret half that stays here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imagewikiqa.core.digests import digest, keyed_order
from imagewikiqa.core.records import Page
from imagewikiqa.core.report.page import visible
from imagewikiqa.qa.rounds.plan import RoundPlan
from imagewikiqa.qa.rounds.records import Assignment, Subject, Task, TaskSection

NONE_RIGHT = "none"  # alias of the fifth option of an article task
NONE_RIGHT_TEXT = "None of these is right"
POSITIONS = ("A", "B", "C", "D")  # aliases: the position shown, whatever the option
LEAD = "Introduction"
# Label Studio reads "$500" in an option as a variable; an invisible word joiner prevents it.
PLAIN_DOLLAR = "$\u2060"
CUT = "(The article goes on; see it whole at {url})"


@dataclass(frozen=True, slots=True)
class Made:
    """Both halves of a task."""

    task: Task
    assignment: Assignment


def make_tasks(
    plan: RoundPlan, rater: str, subjects: Sequence[Subject], pages: dict[str, Page], most: int
) -> list[Made]:
    """Return a rater's tasks in an order of their own; `most` characters of each article."""
    made = [_make(plan, rater, one, pages.get(one.question.evidence.page), most)
            for one in subjects]  # fmt: skip
    return keyed_order(made, lambda one: one.task.id, plan.seed, "turn", rater)


def _make(plan: RoundPlan, rater: str, subject: Subject, page: Page | None, most: int) -> Made:
    question = subject.question
    key = digest([plan.round, rater, question.id])[:20]  # opaque: an id of ours may name a class
    order = keyed_order(range(4), str, plan.seed, "shown", plan.round, rater, question.id)
    a, b, c, d = order
    shown = tuple(_clean(question.choices[at]) for at in order)
    open_book = plan.kind != "picture"
    fields: dict[str, Any] = {
        "id": key,
        "round": plan.round,
        "rater": rater,
        "kind": plan.kind,
        "question": _clean(question.question),
        "options": shown,
        "class_name": _clean(question.class_name) if open_book else None,
        "sections": article(page, subject, most) if open_book and page else (),
        "evidence": _clean(question.evidence.quote) if open_book else None,
        "media": subject.media if plan.kind != "article" else None,
    }
    draft = Task.model_construct(**fields)
    content = digest(draft.model_dump(mode="json", exclude={"content"}))
    return Made(
        Task(**fields, content=content),
        Assignment(
            id=key,
            rater=rater,
            question_id=question.id,
            order=(a, b, c, d),
            gold=subject.origin == "gold",
        ),
    )


def article(page: Page, subject: Subject, most: int) -> tuple[TaskSection, ...]:
    """Return an article's sections up to `most` characters; that of the evidence is always in."""
    evidence = subject.question.evidence
    rows, left = [], most
    cut = False
    for section in page.sections:
        text = page.text[section.start : section.end].strip()
        if not text:
            continue
        holds = section.start <= evidence.start < section.end
        if len(text) > left and not holds:
            cut = True
            continue
        left -= min(left, len(text))
        title = " › ".join(section.path) or LEAD
        rows.append(TaskSection(title=_clean(title), text=_clean(text)))
    if cut:
        rows.append(TaskSection(title="…", text=CUT.format(url=page.url)))
    return tuple(rows)


def task_data(task: Task, image: str | None) -> dict[str, Any]:
    """Return what the server stores as a task's data; `image` is the address raters load."""
    options = [
        {"value": text.replace("$", PLAIN_DOLLAR), "alias": alias}
        for alias, text in zip(POSITIONS, task.options, strict=True)
    ]
    if task.kind == "article":
        options.append({"value": NONE_RIGHT_TEXT, "alias": NONE_RIGHT})
    data: dict[str, Any] = {
        "ext_id": task.id,
        "round": task.round,
        "content": task.content,
        "question": task.question,
        "choices": options,
    }
    if task.class_name is not None:
        data |= {"class_name": task.class_name, "evidence": task.evidence or "(none given)"}
        data["sections"] = [one.model_dump() for one in task.sections]
    if task.media is not None:
        data["image"] = image
    return data


def _clean(text: str) -> str:
    """Return a text whose control and direction characters cannot disguise what is around it."""
    return str(visible(text))
