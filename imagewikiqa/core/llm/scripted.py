"""A client that answers from written rules: for tests, dry runs and demonstrations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.ledgered import Raw, ShapeError
from imagewikiqa.core.records import Part
from imagewikiqa.core.stages import RecordError


class Rule(Part):
    """Answer `reply` when every string of `contains` stands in the request's words."""

    contains: tuple[str, ...] = Field(min_length=1)
    reply: str
    finish: Literal["stop", "length", "refusal", "filtered"] = "stop"


@dataclass(frozen=True, slots=True)
class ScriptedClient:
    """The first rule that matches answers; no rule is a failed record, never a made-up answer."""

    rules: Sequence[Rule]
    model: str = "scripted"

    @property
    def name(self) -> str:
        """Return a name that other rules do not share: their answers are not the same."""
        return f"scripted-{digest([rule.model_dump() for rule in self.rules])[:12]}"

    async def send(self, request: Request) -> Raw:
        """Return the reply as the bytes that a ledger keeps."""
        return Raw((await self.ask(request)).model_dump_json().encode())

    def read(self, body: bytes) -> Reply:
        """Return the reply that bytes of `send` hold; raise ShapeError for others."""
        try:
            return Reply.model_validate_json(body)
        except ValidationError as error:
            raise ShapeError("these bytes are no scripted reply") from error

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the first matching rule; raise RecordError when none matches."""
        words = request.text
        for rule in self.rules:
            if all(part in words for part in rule.contains):
                usage = Usage(
                    input_tokens=len(words.split()), output_tokens=len(rule.reply.split())
                )
                return Reply(text=rule.reply, model=self.model, finish=rule.finish, usage=usage)
        raise RecordError("no scripted reply", f"no rule matches the request {request.key[:12]}")


def load_script(path: Path) -> ScriptedClient:
    """Read rules from JSON lines `{contains, reply, finish?}`; ToolkitError names a bad one."""
    if not path.is_file():
        raise ToolkitError(f"there is no script {path}: give scripted:FILE a file of JSON lines")
    rules = []
    with path.open("rb") as stream:  # bytes: only a newline ends a line of JSON
        for number, line in enumerate(stream, start=1):
            try:
                rules.append(Rule.model_validate_json(line))
            except ValidationError as error:
                raise ToolkitError(
                    f"{path} line {number} is not a rule: "
                    'write {"contains": ["words"], "reply": "..."} on each line'
                ) from error
    return ScriptedClient(rules)
