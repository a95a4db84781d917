"""Captions that name what an image shows: asked in the paper's words, and checked for the name."""

import re
from dataclasses import asdict, dataclass

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client, ImagePart, Message, Reply, Request, TextPart
from imagewikiqa.core.records import Authorship, Caption, ClassEntry, Reject
from imagewikiqa.core.stages import RecordError
from imagewikiqa.prompts.library import load_prompt, render
from imagewikiqa.qa.injection import has_address
from imagewikiqa.qa.leaks import contains_spelling, fold, name_phrases
from imagewikiqa.qa.llm_reply import FINISHES, ask_uncut, shown

NAMELESS = "class name not in the caption"
_EMPTY, _MARKUP, _LONG = "empty caption", "markup or address in the caption", "caption too long"
_INTRODUCTION = re.compile(r"\A(?:sure[,!.] *)?(?:here(?: is|'s) [^:\n]{0,60}|caption): *", re.I)
_MARKS = re.compile(r"[<>{}|]|\*\*|^#+ |```", re.M)
_QUOTED = re.compile(r"[\"“”«»]")
_QUOTES = "\"'“”‘’«»` "


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionSettings:
    """How captions are asked for, and how often when the class is not named."""

    tries: int = 3
    most_words: int = 60
    max_tokens: int = 1024  # a caption takes 40; the rest is for models that think first
    temperature: float | None = None  # None is the model's own
    seed: int = 0
    prompt: str = "caption_paper"

    def __post_init__(self) -> None:
        """Refuse settings that ask for nothing."""
        for name in ("tries", "most_words", "max_tokens"):
            if getattr(self, name) < 1:
                raise ToolkitError(f"the captions' {name} must be 1 or more: set it so")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One image of a class: `part` is what is sent, `sha256` is that of the file itself."""

    entry: ClassEntry
    image: str  # path below the image source
    sha256: str
    part: ImagePart

    @property
    def id(self) -> str:
        """Return the image's path."""
        return self.image

    def digest(self) -> str:
        """Return the digest of the class and the pixels."""
        return digest([digest(self.entry), self.image, self.sha256, self.part.model_dump()])


@dataclass(frozen=True, slots=True)
class Captioned:
    """A caption, or why there is none."""

    caption: Caption | None = None
    reject: Reject | None = None


class Captioner:
    """Asks a model that sees through any client."""

    def __init__(self, client: Client, settings: CaptionSettings | None = None) -> None:
        self._client = client
        self._settings = settings or CaptionSettings()
        self._prompt = load_prompt(self._settings.prompt)

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that decides a request but the image and its class."""
        return digest([self._client.model, self._prompt.ref, asdict(self._settings)])

    def request(self, shot: Shot, sample: int = 0) -> Request:
        """Return what is asked about one image."""
        words = TextPart(text=render(self._prompt, classname=shot.entry.name))
        settings = self._settings
        return Request(
            model=self._client.model,
            messages=(Message(role="user", content=(shot.part, words)),),
            prompt=self._prompt.ref,
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            sample=sample,
        )

    async def caption(self, shot: Shot) -> Captioned:
        """Return a caption that names the class, or the last reason why there is none.

        A caption that fails a check is asked for again, up to `tries` times. Raises RecordError
        when the model refuses or cannot be asked.
        """
        reason, said = _EMPTY, ""
        for sample in range(self._settings.tries):
            reply = await ask_uncut(self._client, self.request(shot, sample))
            said = clean_caption(_said(reply))
            found = wrong_with(said, shot.entry, self._settings.most_words)
            if found is None:
                return Captioned(caption=self._record(shot, said, reply, sample + 1))
            reason = found
        return Captioned(
            reject=Reject(
                id=f"captions:{shot.id}",
                stage="captions",
                input=shot.id,
                reason=reason,
                detail=f"{shot.entry.name}: {shown(said)}",
            )  # fmt: skip
        )

    def _record(self, shot: Shot, said: str, reply: Reply, attempts: int) -> Caption:
        ref = self._prompt.ref
        return Caption(
            id=digest([shot.sha256, shot.entry.id, ref])[:16],
            class_id=shot.entry.id,
            class_name=shot.entry.name,
            image=shot.image,
            image_sha256=shot.sha256,
            caption=said,
            attempts=attempts,
            author=Authorship(name="llm", model=reply.model, prompt=ref, seed=self._settings.seed),
        )


def clean_caption(text: str) -> str:
    """Return a caption as one line, without quotes around it and words that introduce it."""
    line = " ".join(_INTRODUCTION.sub("", text.strip()).split())
    inside = line.strip(_QUOTES)
    if not inside:
        return ""
    around = line.partition(inside)
    # '"Ant" and "bee"' begins and ends with quotes, but they are not around all of it.
    quoted = bool(around[0].strip() and around[2].strip()) and not _QUOTED.search(inside)
    return inside if quoted else line


def wrong_with(caption: str, entry: ClassEntry, most_words: int) -> str | None:
    """Return why a caption cannot be used, None when it can.

    The class is named when its name, a synonym or a number of one of them stands in the caption at
    word bounds: an elephant is no ant.
    """
    if not caption or not caption.isprintable():
        return _EMPTY
    if _MARKS.search(caption) or has_address(caption):
        return _MARKUP
    if len(caption.split()) > most_words:
        return _LONG
    folded = fold(caption)
    named = any(contains_spelling(folded, phrase) for phrase in name_phrases(entry))
    return None if named else NAMELESS


def _said(reply: Reply) -> str:
    if reply.finish != "stop":
        raise RecordError(FINISHES[reply.finish], shown(reply.text))
    return reply.text
