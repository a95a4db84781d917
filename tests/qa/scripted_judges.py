"""Judges for tests of the filter: they answer by rules, and remember what they were asked."""

from collections.abc import Callable

from imagewikiqa.qa.protocols import Answer, Ask


class Scripted:
    """Answer each condition by a rule over what is shown, and remember every ask."""

    def __init__(self, name: str = "scripted", **rules: Callable[[Ask], Answer]) -> None:
        self.name = name
        self.asks: list[Ask] = []
        self._rules = rules

    async def answer(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        return self._rules[ask.condition](ask)


def says(text: str) -> Callable[[Ask], Answer]:
    return lambda ask: Answer(state="answered", position=ask.choices.index(text))
