"""What is counted of one sample, and what is found wrong with it."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagewikiqa.mixtures import Sample
from imagewikiqa.mixtures.inspect.facts import NOTHING, facts_of
from tests.mixtures.inspect.made import picture, record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def sample(row: dict[str, Any], image: bytes | None = None, extension: str = "jpg") -> Sample:
    return Sample(key="k", files={} if image is None else {extension: image}, record=row)


def animated() -> bytes:
    stream = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def test_a_good_sample_has_no_fault_and_its_words_without_the_mark_of_the_image() -> None:
    facts = facts_of(sample(record(1, class_id="n1"), picture(width=30, height=20)))
    assert facts.faults == ()
    assert facts.turns == (("human", "What is it?"), ("gpt", "A thing."))
    assert facts.image is not None
    assert (facts.image.width, facts.image.height, facts.image.format) == (30, 20, "JPEG")
    assert (facts.source, facts.template, facts.class_id) == ("made", "name_object", "n1")


@pytest.mark.parametrize(
    ("row", "image", "fault"),
    [
        (record(1), picture()[:-9], "image unusable: truncated"),
        (record(1), b"<html>lost</html>", "image unusable: html"),
        (record(1), b"", "image unusable: empty"),
        (record(1), picture(extension="png"), "image named jpg is PNG"),
        (record(1), animated(), "image unusable: animated"),
        (record(1), None, "<image> is not said once for each image"),
        (record(1, "What?", "That."), picture(), "<image> is not said once for each image"),
        (record(1, "<image><image>", "x"), picture(), "<image> is not said once for each image"),
        (record(1, "What?", " "), None, "an answer is empty"),
        (record(1, "What?"), None, "turns do not alternate from human to gpt"),
        (record(1, conversations=[]), None, "no turn"),
        (record(1, conversations="no"), None, "no conversation in LLaVA's form"),
        (record(1, conversations=[{"from": "human"}]), None, "no conversation in LLaVA's form"),
        (record(1, "What?", "That.", source=None), None, "names no id or no source"),
    ],
)
def test_each_fault_is_said_in_words_that_can_be_counted(
    row: dict[str, Any], image: bytes | None, fault: str
) -> None:
    assert facts_of(sample(row, image)).faults == (fault,)


def test_an_image_of_too_many_pixels_is_a_fault_that_needs_no_decoding() -> None:
    claims = bytearray(picture(width=16, height=16))
    at = claims.index(b"\xff\xc0")
    claims[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    assert facts_of(sample(record(1), bytes(claims))).faults == ("image unusable: too many pixels",)


def test_marks_are_of_bytes_of_words_and_of_rows() -> None:
    one = facts_of(sample(record(1), picture(1)))
    again = facts_of(sample(record(1), picture(1)))
    other = facts_of(sample(record(2, "<image>\nWhat is it?", "No thing."), picture(2)))
    assert one == again
    assert one.image is not None and other.image is not None
    assert one.image.mark != other.image.mark
    assert one.row_mark != other.row_mark
    assert one.conversation_mark != other.conversation_mark
    texts = [("a", "b", "c"), ("a", "bc"), ("a", "b\x1fc"), ("a", 'b", "c')]
    assert len({facts_of(sample(record(1, *said))).conversation_mark for said in texts}) == 4


@given(st.dictionaries(st.sampled_from(["id", "source", "template", "conversations"]), JSON))
def test_any_json_has_an_answer(row: dict[str, Any]) -> None:
    facts = facts_of(sample(row))
    assert facts.source and facts.template
    if "source" not in row:
        assert facts.source == NOTHING and facts.faults
