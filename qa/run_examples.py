"""Questions to look at: a few classes chosen by hash, with evidence and pictures."""

from collections.abc import Sequence
from pathlib import Path

from imagewikiqa.core.digests import keyed_order
from imagewikiqa.core.records import Question
from imagewikiqa.core.report.thumbnails import thumbnail
from imagewikiqa.qa.run_facts import RunFacts
from imagewikiqa.qa.run_judges import question_notes

EXAMPLE_CLASSES = 12
EXAMPLES_EACH = 2


def examples(facts: RunFacts, images_root: Path | None) -> list[dict[str, object]]:
    """Return a few classes by keyed hash, the same for the same classes, with questions each."""
    by_class: dict[str, list[Question]] = {}
    for question in facts.questions:
        by_class.setdefault(question.class_id, []).append(question)
    chosen = keyed_order(by_class, str, "report examples")[:EXAMPLE_CLASSES]
    titles = {page.id: page.title for page in facts.pages}
    images = {item.question_id: item.image for item in reversed(facts.items) if item.image}
    return sorted(
        (
            {
                "name": by_class[name][0].class_name,
                "count": len(by_class[name]),
                "cards": [
                    _card(facts, question, titles, images.get(question.id), images_root)
                    for question in _picked(by_class[name])
                ],
            }
            for name in chosen
        ),
        key=lambda example: str(example["name"]).casefold(),
    )


def _picked(questions: Sequence[Question]) -> list[Question]:
    return keyed_order(questions, lambda q: q.id, "report example")[:EXAMPLES_EACH]


def _card(
    facts: RunFacts,
    question: Question,
    titles: dict[str, str],
    image: str | None,
    images_root: Path | None,
) -> dict[str, object]:
    evidence, notes = question.evidence, [f"Named: {question.question_named}"]
    picture = thumbnail(images_root, image) if images_root and image else None
    if image and not picture:
        notes.append(f"image {image}" + (", which could not be shown" if images_root else ""))
    notes += question_notes(facts, question)
    title = titles.get(evidence.page, evidence.page)
    revision = "" if evidence.revision_id is None else f", revision {evidence.revision_id}"
    return {
        "question": question.question,
        "choices": question.choices,
        "answer": question.answer,
        "quote": evidence.quote,
        "source": f"{title}{revision}",
        "url": evidence.url,
        "image": picture,
        "notes": notes,
    }
