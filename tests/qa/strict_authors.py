"""A panda, its page, good questions of several kinds and models that answer round by round."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.llm.client import Client, Reply, Request, Usage
from imagewikiqa.core.records import ClassEntry, Page
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.protocols import Drafted, Subject
from imagewikiqa.qa.strict_author import StrictAuthor, StrictSettings

PANDA = ClassEntry(id="n1", name="reed panda", synonyms=("Ailurus harundinis",))
TEXT = """The reed panda is a mammal of cool mountain forests.
Diet
It eats mainly bamboo. In summer it adds berries and eggs.
Description
It weighs 5 kg and its tail is 40 cm long. Its coat is rust red.
History
It was first described in 1825 by a French zoologist.
Uses
Its shed hair was once woven into caps."""
Row = dict[str, Any]


def page(text: str = TEXT, name: str = "Reed panda") -> Page:
    return Page(
        id=f"page:{name}", class_ids=(PANDA.id,), title=name, page_id=7, revision_id=70,
        revision_timestamp=None, url="https://example.org/70", license="CC0-1.0", text=text,
        sections=(), facts={}, source="test", sha256=text_digest(text),
    )  # fmt: skip


def row(question: str, choices: Sequence[str], reference: str, kind: str) -> Row:
    return {
        "question": question, "choices": list(choices), "answer": 0, "reference": reference,
        "kind": kind,
    }  # fmt: skip


GOOD = (
    row("Which food does this object mainly eat?", ("Bamboo", "Acorns", "Salmon", "Termites"),
        "It eats mainly bamboo.", "habitat"),
    row("How heavy is this object?", ("5 kg", "9 kg", "15 kg", "2 kg"), "It weighs 5 kg",
        "numbers"),
    row("What colour is the coat of this object?", ("Rust red", "Jet black", "Pale grey", "White"),
        "Its coat is rust red.", "anatomy"),
    row("When was this object described for science?", ("1825", "1769", "1901", "1758"),
        "It was first described in 1825", "history"),
    row("What was made of the hair of this object?", ("Caps", "Ropes", "Brushes", "Gloves"),
        "Its shed hair was once woven into caps.", "use"),
)  # fmt: skip


def questions(*rows: object) -> str:
    return json.dumps({"questions": rows})


@dataclass
class Rounds:
    """A model that gives its replies in turn, the last one for ever, and keeps what it was sent."""

    replies: Sequence[str | Reply | Callable[[Request], str]]
    model: str = "gpt-x"
    seen: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        made = self.replies[min(len(self.seen), len(self.replies) - 1)]
        self.seen.append(request)
        if isinstance(made, Reply):
            return made
        text = made if isinstance(made, str) else made(request)
        usage = Usage(input_tokens=1, output_tokens=1)
        return Reply(text=text, model=self.model, finish="stop", usage=usage)


def finished(text: str, finish: Any) -> Reply:
    usage = Usage(input_tokens=1, output_tokens=1)
    return Reply(text=text, model="gpt-x", finish=finish, usage=usage)


def author(model: Client, **settings: Any) -> StrictAuthor:
    return StrictAuthor(model, LeakChecker([PANDA]), StrictSettings(**settings))


def write(model: Rounds, subject_page: Page | None = None, **settings: Any) -> Drafted:
    subject = Subject(entry=PANDA, pages=(subject_page or page(),))
    return asyncio.run(author(model, **settings).draft(subject))


def fence_of(request: Request) -> tuple[str, str]:
    """Return the fence of a request and what stands between its two lines."""
    match = re.search(
        r"===== BEGIN (\S+) =====\n(.*?)\n===== END \1 =====\n", request.text, re.DOTALL
    )
    assert match is not None
    return match[1], match[2]
