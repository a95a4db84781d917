"""Prompts by name: templates, rendered with exactly their variables and known by digest."""

import re
import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from string import Template

from pydantic import Field, ValidationError, model_validator

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import Part, Sha256

FENCE = "+++"
LOCK = Path(__file__).parent / "templates.lock"
_SUFFIX = ".md"
_FRONT_MATTER = re.compile(r"\A\+\+\+\n(?P<front>.*?)^\+\+\+\n(?P<body>.*)\Z", re.DOTALL | re.M)


class FrontMatter(Part):
    """What a template says of itself; no other key is allowed."""

    purpose: str = Field(min_length=1)
    output: str = Field(min_length=1, description="what the reply holds: a schema or in words")
    variables: tuple[str, ...]


class Prompt(FrontMatter):
    """One template: what it is for, what it takes, its words and the digest of its file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    body: str = Field(min_length=1)
    sha256: Sha256 = Field(description="of the whole file with newlines as \\n")

    @property
    def ref(self) -> str:
        """Return the name and first 12 digits of the digest, stored with every record."""
        return f"{self.name}@{self.sha256[:12]}"

    @model_validator(mode="after")
    def _declares_what_it_uses(self) -> "Prompt":
        template = Template(self.body)
        if not template.is_valid():
            raise ValueError("the body has a $ that starts no variable: write $$ for a dollar sign")
        used = sorted(template.get_identifiers())
        if used != list(self.variables):
            declared = list(self.variables)
            raise ValueError(f"the body uses {used} and the sorted variables declare {declared}")
        return self


def prompt_names() -> list[str]:
    """Return the names of all templates, sorted."""
    files = (
        file.name for file in resources.files("imagewikiqa.prompts").joinpath("templates").iterdir()
    )
    return sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX))


@lru_cache(maxsize=64)
def load_prompt(name: str) -> Prompt:
    """Return a prompt by name; ToolkitError lists the names there are, or the file's fault."""
    names = prompt_names()
    if name not in names:
        raise ToolkitError(f"unknown prompt {name!r}; have: {', '.join(names)}")
    file = resources.files("imagewikiqa.prompts").joinpath("templates", f"{name}{_SUFFIX}")
    return parse_prompt(name, file.read_bytes())


def parse_prompt(name: str, content: bytes) -> Prompt:
    """Return the prompt that a template file holds; ToolkitError says what to mend in it."""
    try:
        text = re.sub(r"\r\n?", "\n", content.decode())
        parts = _FRONT_MATTER.match(text)
        if parts is None:
            raise ToolkitError(
                f"template {name} has no front matter: start it with a line {FENCE}, lines of"
                f" TOML and another line {FENCE}"
            )
        front = FrontMatter.model_validate(tomllib.loads(parts["front"]))
        return Prompt(
            **front.model_dump(),
            name=name,
            body=parts["body"].strip("\n"),
            sha256=text_digest(text),
        )
    except UnicodeDecodeError as error:
        raise ToolkitError(f"template {name} is not UTF-8: save it as UTF-8 ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise ToolkitError(
            f"the front matter of template {name} is not TOML: mend it ({error})"
        ) from error
    except ValidationError as error:
        raise ToolkitError(f"template {name} is not a prompt: mend {_faults(error)}") from error


def _faults(error: ValidationError) -> str:
    return "; ".join(
        ": ".join([*map(str, fault["loc"]), fault["msg"].removeprefix("Value error, ")])
        for fault in error.errors()
    )


def render(prompt: Prompt, /, **variables: str) -> str:
    """Return the words to send; ToolkitError unless exactly the declared variables are given.

    Values are put in once and as they are: a dollar sign in an article stays a dollar sign.
    """
    if sorted(variables) != list(prompt.variables):
        raise ToolkitError(
            f"prompt {prompt.ref} takes {list(prompt.variables)}, got {sorted(variables)}"
        )
    return Template(prompt.body).substitute(variables)


def lock_text() -> str:
    """Return what templates.lock must hold: a name and a digest per line, sorted by name."""
    return "".join(f"{name} {load_prompt(name).sha256}\n" for name in prompt_names())


def write_lock(path: Path = LOCK) -> None:
    """Write templates.lock after a template changed on purpose, so that the review shows it."""
    publish_text(path, lock_text())
