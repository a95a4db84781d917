"""Kinds of question that an LLM author is asked for by name, so that a set is diverse."""

import re
from typing import Literal, NamedTuple

KindName = Literal["habitat", "use", "origin", "anatomy", "history", "numbers", "comparison"]


class Kind(NamedTuple):
    """What a kind asks about, as the author is told, and words that promise it in an article."""

    asks: str
    cues: re.Pattern[str]


def _kind(asks: str, cues: str) -> Kind:
    return Kind(asks, re.compile(rf"\b(?:{'|'.join(cues.split())})\b", re.IGNORECASE))


KINDS: dict[KindName, Kind] = {
    "habitat": _kind(
        "where it lives, grows, is found or is set up, and what it lives on",
        "habitats? native endemic lives? living inhabits? found occurs? range ranges distribution "
        "forests? grasslands? deserts? tropical climate diet eats? feeds? prey installed located",
    ),
    "use": _kind(
        "what it is used for, by whom and how it works",
        "used? uses using designed intended purpose allows? cooking medicine worn played served "
        "applications? functions? employed operates? serves",
    ),
    "origin": _kind(
        "where, when, by whom or from what it, its breed or its name came to be",
        "origins? originated derived derives etymology named invented inventor introduced bred "
        "developed domesticated descended patented coined word",
    ),
    "anatomy": _kind(
        "its parts, material, build, body or make-up",
        "anatomy consists? composed parts? body head tail fur coat legs? wings? teeth skin leaves "
        "flowers? bark made blade handle frame wheels? characteri[sz]ed description ingredients?",
    ),
    "history": _kind(
        "what happened to it or changed over time: events, firsts, periods",
        "history century first early ancient medieval era during became established built began "
        "war evolved fossils? earliest",
    ),
    "numbers": _kind(
        "a size, weight, speed, age, number or date that the articles state",
        "weighs? weight length lengths long tall height wide speed lifespan years metres? meters? "
        "kilograms? kg cm km mm percent million average up",
    ),
    "comparison": _kind(
        "how it differs from, or is related to, things that it may be taken for",
        "unlike similar resembles? differs? different distinguish(?:ed)? compared larger smaller "
        "largest smallest related relatives? closest whereas than family genus",
    ),
}
