"""The LLM judge: answers in the paper's words, and a reply is one clear letter or none."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client, Reply, Request, user_request
from imagewikiqa.prompts.library import load_prompt, render
from imagewikiqa.qa.leaks import contains_phrase, fold
from imagewikiqa.qa.protocols import Answer, Ask, State

_LETTERS = "ABCD"
_SAID = r"(?:(?:so |therefore,? |thus,? )?(?:the |my )?(?:correct |best |final )?"
_SAID += r"(?:answer|option|choice)(?: is)?\s*:?\s*)"
_ONE = re.compile(rf"{_SAID}?\(?([A-D])\)?[.):]?", re.IGNORECASE)
# A letter alone opens prose only with a mark after it: "A guinea pig" opens with an article.
_FIRST = re.compile(rf"(?:(?i:{_SAID}))?(?:\(([A-D])\)|([A-D])[.):]|([A-D])\n)\s*(.+)", re.DOTALL)
_STATED = re.compile(r"\b(?i:answer|option|choice)(?i: is)?\s*:?\s*\(?([A-D])\b")
_LAST = re.compile(r"\b(?i:answer)(?i: is|:)\s*:?\s*\(?([A-D])\)?\.?$")
_LETTER = re.compile(r"(?<![\w'])[A-D](?![\w'])")
_DECLINED = re.compile(
    r"(?:i'?m |i am )?(?:very )?sorry\b|unable to\b|as an ai\b"
    r"|i (?:cannot|can't|am unable|do not know|don't know)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """How a model is asked. A letter needs one token; a few more let it say "Answer: B".

    A reply that was cut, as one of a model that thinks first, is asked for once more with room for
    `long_tokens`: each trial by itself, so that no order of asking matters.
    """

    max_tokens: int = 16
    long_tokens: int = 2048
    temperature: float | None = None  # None is the model's own, as in the paper
    seed: int | None = None
    named_prompt: str = "answer_named"
    blind_prompt: str = "answer_blind"

    def __post_init__(self) -> None:
        """Refuse a length at which every reply is cut, and so counts as empty."""
        if self.max_tokens < 2:
            raise ToolkitError(
                f"the LLM judge's max_tokens is {self.max_tokens}: set it to 2 or more, as a reply"
                " that is cut counts as none"
            )


class LLMJudge:
    """Asks a model through any client. It offers no closed-book score: that needs statistics."""

    def __init__(self, client: Client, settings: JudgeSettings | None = None) -> None:
        self._client = client
        self._settings = settings or JudgeSettings()
        self._named = load_prompt(self._settings.named_prompt)
        self._blind = load_prompt(self._settings.blind_prompt)

    @property
    def name(self) -> str:
        """Return 'llm:MODEL', so that scores of several models stay apart."""
        return f"llm:{self._client.model}"

    @property
    def repeats(self) -> bool:
        """Return whether the same request may only bring the same reply."""
        return self._settings.temperature == 0 or self._settings.seed is not None

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that decides a request but the question."""
        prompts = [self._named.ref, self._blind.ref]
        return digest([self._client.model, *prompts, asdict(self._settings)])

    async def answer(self, ask: Ask) -> Answer:
        """Return the shown position that the model's reply names, or why there is none."""
        request = self.request(ask)
        reply = await self._client.ask(request)
        if reply.finish == "length" and request.max_tokens < self._settings.long_tokens:
            longer = request.model_copy(update={"max_tokens": self._settings.long_tokens})
            reply = await self._client.ask(longer)
        return read_reply(reply, ask.choices)

    def request(self, ask: Ask) -> Request:
        """Return what is asked; ValueError for a condition that a model cannot be asked under."""
        if ask.condition == "closed_book":
            raise ValueError("an LLM judge has no closed-book statistics to answer from")
        prompt = self._named if ask.condition == "with_name" else self._blind
        a, b, c, d = ask.choices
        text = render(prompt, question=ask.question, choice_a=a, choice_b=b, choice_c=c, choice_d=d)
        settings = self._settings
        return user_request(
            self._client.model,
            prompt.ref,
            text,
            settings.max_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            sample=ask.sample,
        )


def read_reply(reply: Reply, choices: Sequence[str]) -> Answer:
    """Return what a reply says. One that was cut is empty: its last words may have changed it."""
    if reply.finish in ("refusal", "filtered"):
        return Answer(state="refused")
    return Answer(state="empty") if reply.finish == "length" else read_letter(reply.text, choices)


def read_letter(text: str, choices: Sequence[str]) -> Answer:
    """Return the one position 0-3 that a text names for the choices shown, never a guess.

    Read are a letter alone ("b", "(B)", "Answer: B."), a letter that opens the text with a mark
    after it ("B. Bamboo", "B) because ...") and a closing "The answer is B.". A text that also
    names another letter or another choice is ambiguous, save that a closing statement stands when
    no other statement contradicts it.
    """
    said = _plain(text)
    if not said:
        return Answer(state="empty")
    if alone := _ONE.fullmatch(said):
        return _answered(alone[1])
    if first := _FIRST.fullmatch(said):
        letter = first[1] or first[2] or first[3]
        return _answered(letter) if _agrees(first[4], letter, choices) else _none("ambiguous")
    if last := _LAST.search(said):
        return _answered(last[1]) if set(_STATED.findall(said)) == {last[1]} else _none("ambiguous")
    return _none("refused" if _DECLINED.match(said) else "ambiguous")


def _plain(text: str) -> str:
    """Return a text without emphasis, quotes, spare spaces and blank lines."""
    text = re.sub(r"[*_`\"]+", "", unicodedata.normalize("NFKC", text).replace("’", "'"))
    return "\n".join(line for part in text.splitlines() if (line := " ".join(part.split())))


def _agrees(rest: str, letter: str, choices: Sequence[str]) -> bool:
    """Return whether what follows a letter speaks of no other letter and no other choice."""
    own = fold(choices[_at(letter)])
    others = [fold(choice) for at, choice in enumerate(choices) if at != _at(letter)]
    said = fold(rest)
    if said.rstrip(".") == own.rstrip("."):
        return True  # "C. A guinea pig": the choice itself, whatever words it holds
    if own:
        said = said.replace(own, " ")  # "bamboo shoots" names no other choice "bamboo"
    named = set(_LETTER.findall(rest)) - {letter}
    return not named and not any(other and contains_phrase(said, other) for other in others)


def _at(letter: str) -> int:
    return _LETTERS.index(letter.upper())


def _answered(letter: str) -> Answer:
    return Answer(state="answered", position=_at(letter))


def _none(state: State) -> Answer:
    return Answer(state=state)
