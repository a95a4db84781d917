"""A caption names its class at word bounds, or there is none; and nothing else stands in it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import ImagePart, Reply, Request, TextPart, Usage
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.core.stages import RecordError
from imagewikiqa.qa.captions import (
    NAMELESS,
    Captioner,
    CaptionSettings,
    Shot,
    clean_caption,
    wrong_with,
)

ANT = ClassEntry(id="n1", name="ant", synonyms=("emmet", "pismire"))
DOG = ClassEntry(id="n2", name="Great Dane", synonyms=("German mastiff",))
SHA = "a" * 64


@dataclass
class Speaker:
    """A client that says one thing after another, and remembers what it was asked."""

    says: Sequence[str | tuple[str, Literal["stop", "length", "refusal", "filtered"]]]
    model: str = "m"
    asked: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        said = self.says[len(self.asked)]
        self.asked.append(request)
        text, finish = (said, "stop") if isinstance(said, str) else said
        usage = Usage(input_tokens=1, output_tokens=1)
        return Reply(text=text, model="m-1", finish=finish, usage=usage)


def shot(entry: ClassEntry = ANT) -> Shot:
    part = ImagePart(sha256=SHA, media_type="image/jpeg")
    return Shot(entry=entry, image="n1/a.jpg", sha256=SHA, part=part)


@pytest.mark.parametrize(
    ("entry", "caption"),
    [
        (ANT, "An ant carries a leaf."),
        (ANT, "Ants on a log"),
        (ANT, "A red pismire, close up."),
        (ANT, "ANT!"),
        (DOG, "Two Great Danes lie on grass"),
        (DOG, "a great-dane puppy"),
        (DOG, "A German mastiff looks up."),
    ],
)
def test_a_name_a_synonym_or_a_plural_names_the_class(entry: ClassEntry, caption: str) -> None:
    assert wrong_with(caption, entry, 60) is None


@pytest.mark.parametrize("caption", ["An elephant by a plant.", "A giant restaurant", "An insect"])
def test_a_name_inside_a_word_is_no_name(caption: str) -> None:
    assert wrong_with(caption, ANT, 60) == NAMELESS


@pytest.mark.parametrize(
    ("caption", "reason"),
    [
        ("", "empty caption"),
        ("An ant \x1b[31m", "empty caption"),
        ("<b>An ant</b>", "markup or address in the caption"),
        ("An ant, see https://example.org/ant", "markup or address in the caption"),
        ("**Ant** on a leaf", "markup or address in the caption"),
        ("An ant " + "and a leaf " * 30, "caption too long"),
    ],
)
def test_other_captions_are_refused_with_a_reason(caption: str, reason: str) -> None:
    assert wrong_with(caption, ANT, 60) == reason


@pytest.mark.parametrize(
    ("said", "caption"),
    [
        ('"An ant."', "An ant."),
        ("Caption: An ant\non a leaf.", "An ant on a leaf."),
        ("Sure! Here is a short caption: An ant.", "An ant."),
        ("The ant called “Bob”", "The ant called “Bob”"),
        ('"Ant" and "bee"', '"Ant" and "bee"'),
    ],
)
def test_quotes_and_introductions_are_taken_away(said: str, caption: str) -> None:
    assert clean_caption(said) == caption


@given(st.text(max_size=200))
def test_a_clean_caption_is_one_line_and_stays_as_it_is(text: str) -> None:
    said = clean_caption(text)
    assert said == " ".join(said.split())
    assert wrong_with(said, ANT, 60) in {
        None, NAMELESS, "empty caption", "caption too long", "markup or address in the caption",
    }  # fmt: skip


def test_the_paper_s_words_and_the_picture_are_sent() -> None:
    speaker = Speaker(["An ant."])
    made = asyncio.run(Captioner(speaker).caption(shot())).caption
    picture, words = speaker.asked[0].messages[0].content
    assert picture == ImagePart(sha256=SHA, media_type="image/jpeg")
    assert isinstance(words, TextPart) and words.text == (
        "Generate a short caption for the image. The caption must include the ground-truth label"
        " of the image, which is ant."
    )
    assert made is not None
    assert (made.caption, made.attempts, made.author.model) == ("An ant.", 1, "m-1")
    assert made.author.prompt.startswith("caption_paper@") and made.image_sha256 == SHA


def test_a_caption_without_the_name_is_asked_for_again_as_another_request() -> None:
    speaker = Speaker(["A small insect.", "An elephant.", "An ant."])
    made = asyncio.run(Captioner(speaker).caption(shot())).caption
    assert made is not None and made.attempts == 3
    assert [one.sample for one in speaker.asked] == [0, 1, 2]
    assert len({one.key for one in speaker.asked}) == 3


def test_after_the_last_try_the_image_is_a_reject_that_says_what_was_said() -> None:
    speaker = Speaker(["A plant."] * 2)
    made = asyncio.run(Captioner(speaker, CaptionSettings(tries=2)).caption(shot()))
    assert made.caption is None and made.reject is not None
    assert (made.reject.reason, made.reject.input) == (NAMELESS, "n1/a.jpg")
    assert "A plant." in made.reject.detail


@pytest.mark.parametrize("finish", ["refusal", "filtered"])
def test_a_refusal_is_not_asked_again(finish: Literal["refusal", "filtered"]) -> None:
    speaker = Speaker([("I cannot.", finish)])
    with pytest.raises(RecordError):
        asyncio.run(Captioner(speaker).caption(shot()))
    assert len(speaker.asked) == 1


def test_a_cut_reply_is_asked_for_once_more_with_more_room() -> None:
    speaker = Speaker([("An an", "length"), "An ant."])
    made = asyncio.run(Captioner(speaker).caption(shot())).caption
    assert made is not None and made.attempts == 1
    assert speaker.asked[1].max_tokens == 2 * speaker.asked[0].max_tokens


def test_settings_that_ask_for_nothing_are_refused() -> None:
    with pytest.raises(ToolkitError, match="tries"):
        CaptionSettings(tries=0)
