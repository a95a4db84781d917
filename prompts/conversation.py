"""Conversations by template: how an image and what is known of it become a question and an answer.

The layout is that of LLaVA v1: `<image>` and a newline before the first question, speakers `human`
and `gpt`. A template has one or more wordings of its question; the caller picks one.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import Part, Sha256

IMAGE = "<image>"
LOCK = Path(__file__).parent / "conversations.lock"
_FOLDER, _SUFFIX = "conversations", ".toml"

# What a source knows of a sample, by what a template takes.
VARIABLES: dict[str, frozenset[str]] = {
    "label": frozenset({"name"}),
    "choices": frozenset({"name", "choices"}),
    "caption": frozenset({"name", "caption"}),
    "question": frozenset({"name", "question", "question_named", "options", "letter", "answer"}),
    "conversation": frozenset(),
}
Takes = Literal["label", "choices", "caption", "question", "conversation"]


class ConversationTemplate(Part):
    """One template: what it takes of a sample, its wordings, its answer, its file's digest."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    purpose: str = Field(min_length=1)
    takes: Takes
    questions: tuple[str, ...]
    answer: str
    sha256: Sha256 = Field(description="of the whole file with newlines as \\n")

    @property
    def ref(self) -> str:
        """Return the name and first 12 digits of the digest, part of every sample's id."""
        return f"{self.name}@{self.sha256[:12]}"

    @model_validator(mode="after")
    def _uses_what_it_takes(self) -> "ConversationTemplate":
        if self.takes == "conversation":
            if self.questions or self.answer:
                raise ValueError("a template that takes a conversation has no words of its own")
            return self
        if not self.questions or not self.answer:
            raise ValueError("give one question or more, and an answer")
        if len(set(self.questions)) < len(self.questions):
            raise ValueError("two questions are the same")
        for text in (*self.questions, self.answer):
            _check_text(text, self.takes)
        return self


def _check_text(text: str, takes: str) -> None:
    template = Template(text)
    if not template.is_valid():
        raise ValueError("a text has a $ that starts no variable: write $$ for a dollar sign")
    if IMAGE in text:
        raise ValueError(f"a text holds {IMAGE}, which the layout puts before the question")
    if strangers := sorted(set(template.get_identifiers()) - VARIABLES[takes]):
        have = ", ".join(sorted(VARIABLES[takes]))
        raise ValueError(f"what takes a {takes} knows no ${strangers[0]}; have: {have}")


def conversation_names() -> list[str]:
    """Return the names of all templates, sorted."""
    folder = resources.files("imagewikiqa.prompts").joinpath(_FOLDER)
    names = (file.name for file in folder.iterdir())
    return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


@lru_cache(maxsize=64)
def load_conversation(name: str) -> ConversationTemplate:
    """Return a template by name; ToolkitError lists the names there are, or the file's fault."""
    names = conversation_names()
    if name not in names:
        raise ToolkitError(f"unknown conversation template {name!r}; have: {', '.join(names)}")
    file = resources.files("imagewikiqa.prompts").joinpath(_FOLDER, f"{name}{_SUFFIX}")
    return parse_conversation(name, file.read_bytes())


def parse_conversation(name: str, content: bytes) -> ConversationTemplate:
    """Return the template that a file holds; ToolkitError says what to mend in it."""
    try:
        text = re.sub(r"\r\n?", "\n", content.decode())
        fields = tomllib.loads(text) | {"name": name, "sha256": text_digest(text)}
        return ConversationTemplate.model_validate(fields)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ToolkitError(
            f"conversation template {name} is not TOML in UTF-8: mend it ({error})"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        what = first["msg"].removeprefix("Value error, ")
        raise ToolkitError(
            f"conversation template {name} cannot be used: mend {where or 'it'}: {what}"
        ) from error


def converse(
    template: ConversationTemplate, values: Mapping[str, str], *, wording: int = 0
) -> list[dict[str, str]]:
    """Return the two turns about an image: wording number `wording`, counted round, and the answer.

    `values` are those that VARIABLES names for what the template takes; they are put in once and as
    they are. Raises ToolkitError for a value that holds `<image>`, which would stand for a second
    image, and KeyError for a value that is not there.
    """
    for name, value in values.items():
        if IMAGE in value:
            raise ToolkitError(
                f"the {name} {value[:60]!r} holds {IMAGE}, which stands for an image: leave it out"
            )
    question = template.questions[wording % len(template.questions)]
    return [
        {"from": "human", "value": f"{IMAGE}\n{Template(question).substitute(values)}"},
        {"from": "gpt", "value": Template(template.answer).substitute(values)},
    ]


def lock_text() -> str:
    """Return what conversations.lock must hold: a name and a digest per line, sorted by name."""
    names = conversation_names()
    return "".join(f"{name} {load_conversation(name).sha256}\n" for name in names)


def write_lock(path: Path = LOCK) -> None:
    """Write conversations.lock after a template changed on purpose, so that the review shows it."""
    publish_text(path, lock_text())
