"""The look of every report: one self-contained page, all text escaped, nothing loaded."""

import re
import unicodedata
from base64 import b64encode
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from imagewikiqa.core.report.plots import PALETTE

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")
_IMAGE_DATA = re.compile(r"data:image/(?:jpeg|png|webp|gif);base64,[A-Za-z0-9+/=]+")
# Without these a bidi override or a control character could disguise the text around it.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def render(template_name: str, **context: object) -> str:
    """Return a template as text; a missing variable raises UndefinedError.

    "ROOM/NAME" is a template in the folder report of that room, as in "qa/run.html"; a plain name
    is one of those that all rooms share.
    """
    return _environment().get_template(template_name).render(**context)


def data_uri(content: bytes, media_type: str) -> str:
    """Return image bytes as a data: address. Raises ValueError on a type not in IMAGE_TYPES."""
    if media_type not in IMAGE_TYPES:
        raise ValueError(f"a report shows {', '.join(IMAGE_TYPES)}, not {media_type}")
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def inline_svg(svg: str, name: str, label: str) -> Markup:
    """Return a plot of core.report.plots for use inside a page.

    Its colours follow the page's light or dark scheme, its ids start with `name` (unique on the
    page), and `label` is what a screen reader says. Only for SVG that this package drew.
    """
    body = svg[svg.index("<svg") :]
    # Its metadata is of no use in a page, and its style rule would reach beyond the plot.
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"font-family: [^;\"]+", "font-family: var(--sans)", body)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    for role, colour in PALETTE.items():
        body = body.replace(colour, f"var(--{role})")
    return Markup(body.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(label), 1))


def web_url(value: object) -> str | None:
    """Return an http or https address as it is; None for anything else."""
    text = str(value)
    if any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.hostname else None


def visible(value: object) -> object:
    """Return text with control and direction-override characters spelled out, as in [U+202E]."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _HIDDEN.sub(lambda match: f"[U+{ord(match.group()):04X}]", value)
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        grouped=lambda number: f"{number:,}",
        image_data=_image_data,
        letter=lambda index: chr(ord("A") + index),
        slug=lambda text: re.sub(r"[^a-z]+", "-", str(text).lower()),
        web_url=web_url,
    )
    return environment


def _source(name: str) -> str:
    room, _, file = name.rpartition("/")
    folder = f"imagewikiqa.{room}" if room else __package__
    place = resources.files(folder) / ("report" if room else "templates")
    return (place / file).read_text(encoding="utf-8")


def _image_data(address: str) -> str:
    if not _IMAGE_DATA.fullmatch(address):
        raise ValueError("an image in a report is a data: address made by data_uri")
    return address
