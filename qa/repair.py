"""New wrong options for a question that was guessed: of the same type and length, then checked."""

from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import Field

from imagewikiqa.core.digests import digest
from imagewikiqa.core.llm.client import Client, Reply, Request, user_request
from imagewikiqa.core.records import Choice, Draft, Page, Part
from imagewikiqa.core.stages import RecordError
from imagewikiqa.prompts.library import load_prompt, render
from imagewikiqa.qa.leaks import LeakChecker, fold
from imagewikiqa.qa.llm_reply import FINISHES, Unfit, checked, reply_json, shown
from imagewikiqa.qa.page_truth import TRUE_BY_PAGE, true_options
from imagewikiqa.qa.passage import passage_around


class NewOptions(Part):
    """What a model must reply."""

    wrong: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairSettings:
    """How new options are asked for, and how far from the right one's their length may lie."""

    max_tokens: int = 4096
    temperature: float | None = None
    seed: int = 0
    share: float = 0.5  # of the right option's characters, more or fewer
    slack: int = 8  # characters more or fewer that a short one may have all the same
    prompt: str = "new_distractors"


class Repairer:
    """Asks the author's model for other wrong options. The checker must know the classes."""

    def __init__(
        self, client: Client, checker: LeakChecker, settings: RepairSettings | None = None
    ) -> None:
        self._client = client
        self._checker = checker
        self._settings = settings or RepairSettings()
        self._prompt = load_prompt(self._settings.prompt)

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that decides a request but the draft and its page."""
        schema = NewOptions.model_json_schema()
        return digest([self._client.model, self._prompt.ref, schema, asdict(self._settings)])

    async def repair(self, draft: Draft, page: Page) -> Draft:
        """Return the draft with three new wrong options; question, key, evidence and id stay.

        Each repair of a draft is another request, as `author.repairs` counts them. Raises Unfit,
        with a countable reason, when the options cannot be used, and RecordError when the model
        cannot be asked.
        """
        reply = await self._client.ask(self.request(draft, page))
        right = draft.choices[0].text
        choices = [right, *_options(reply)]
        fit = checked(
            {"question": draft.question, "choices": choices, "answer": 0,
             "reference": draft.evidence.quote}
        ).choices  # fmt: skip
        a, b, c = (Choice(text=text) for text in fit[1:])
        author = draft.author.model_copy(update={"repairs": draft.author.repairs + 1})
        made = draft.model_copy(update={"choices": (draft.choices[0], a, b, c), "author": author})
        self._refuse_unfit(draft, made, page)
        return made

    def request(self, draft: Draft, page: Page) -> Request:
        """Return what is asked about a draft."""
        right, *wrong = (choice.text for choice in draft.choices)
        shortest, longest = length_bounds(right, self._settings)
        text = render(
            self._prompt,
            classname=draft.class_name,
            question=draft.question,
            right=right,
            wrong="; ".join(wrong),
            passage=passage_around(page, draft.evidence),
            shortest=str(shortest),
            longest=str(longest),
        )
        return user_request(
            self._client.model,
            self._prompt.ref,
            text,
            self._settings.max_tokens,
            temperature=self._settings.temperature,
            seed=self._settings.seed,
            json_schema=NewOptions.model_json_schema(),
            sample=draft.author.repairs,
        )

    def _refuse_unfit(self, old: Draft, new: Draft, page: Page) -> None:
        texts = [choice.text for choice in new.choices[1:]]
        shortest, longest = length_bounds(new.choices[0].text, self._settings)
        tried = {fold(choice.text) for choice in old.choices[1:]}
        if any(fold(text) in tried for text in texts):
            raise Unfit("a new option was tried before", texts)
        if any(self._checker.leaks(text, new.class_id) for text in texts):
            raise Unfit("name leak in a new option", texts)
        if not all(shortest <= len(text) <= longest for text in texts):
            raise Unfit("a new option is too short or too long", texts)
        if true := true_options(new, page):
            raise Unfit(TRUE_BY_PAGE, true)


def length_bounds(right: str, settings: RepairSettings) -> tuple[int, int]:
    """Return the fewest and most characters of an option beside a right one."""
    room = max(settings.slack, round(settings.share * len(right)))
    return max(1, len(right) - room), len(right) + room


def _options(reply: Reply) -> list[str]:
    if reply.finish != "stop":
        raise Unfit(FINISHES[reply.finish], reply.text)
    try:
        value = reply_json(reply.text)
    except RecordError as error:
        raise Unfit(error.reason, error.detail) from error
    wrong = value.get("wrong") if isinstance(value, dict) else None
    if not isinstance(wrong, list) or len(wrong) != 3:
        raise Unfit("not three new options", shown(reply.text))
    return wrong
