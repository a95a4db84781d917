"""Infobox and taxobox fields as clean facts."""

import re
from typing import Any

from imagewikiqa.builders.lexicon import lexicon
from imagewikiqa.builders.marks import flatten
from imagewikiqa.builders.markup import render
from imagewikiqa.builders.templates import template_name
from imagewikiqa.builders.tidy import tidy

_FILE = re.compile(r"\.(?:jpe?g|png|svg|gif|tiff?|webp|og[gv]|webm|mp3|wav|pdf)$", re.I)
_STYLE = re.compile(r"#?[0-9a-f]{6}|#[0-9a-f]{3}|rgba?\(.*\)|\d+(?:px|em|%)|\d*x?\d+px", re.I)


# French taxoboxes are written row by row: where a row has its field and its value.
_ROWS = {"taxobox": (0, 1), "taxobox taxon": (1, 2)}


def is_box(name: str) -> bool:
    """Say whether a template (by its lower-case name) is a box of facts."""
    words = lexicon().boxes
    return (
        name.startswith(("infobox", "geobox"))
        or name.endswith((" infobox", "taxobox", "speciesbox"))
        or name in _ROWS
        or name in words
    )


def read_facts(code: Any) -> dict[str, str]:
    """Return the fields of all boxes of a page as clean one-line values; the first box wins."""
    facts: dict[str, str] = {}
    for template in code.filter_templates(recursive=True):
        if is_box(template_name(template)):
            for field, value in _fields(template).items():
                facts.setdefault(field, value)
    return facts


def _fields(template: Any) -> dict[str, str]:
    values = {str(p.name).strip(): p.value for p in template.params}
    name = template_name(template)
    taxon = "taxobox" in name
    if name in _ROWS and not any(p.showkey for p in template.params):
        values = _row(template, *_ROWS[name])
    fields: dict[str, str] = {}
    for name, value in values.items():
        field = _field_name(name, values)
        if field and not _is_skipped(field, taxon):
            text = tidy(flatten(render(value)))
            if re.search(r"\w", text) and not _FILE.search(text) and not _STYLE.fullmatch(text):
                fields[field] = text
    return fields


def _row(template: Any, field: int, value: int) -> dict[str, Any]:
    values = [p.value for p in template.params]
    if len(values) <= value:
        return {}
    return {tidy(flatten(render(values[field]))): values[value]}


def _field_name(name: str, values: dict[str, Any]) -> str:
    """Return a field's name; generic boxes say it in a label: label3 = Colour, data3 = red."""
    numbered = re.fullmatch(r"(label|data|header)(\d+)", name)
    if numbered and numbered[1] == "data":
        label = values.get(f"label{numbered[2]}")
        return tidy(flatten(render(label))).strip(": ") if label is not None else ""
    return "" if numbered or name.isdecimal() else tidy(name)


def _is_skipped(field: str, taxon: bool) -> bool:
    name = re.sub(r"[\s_]+", " ", field).casefold()
    words = lexicon()
    # Old taxoboxes are painted with `color`; in a breed's box the same field is a fact.
    if taxon and re.fullmatch(r"colou?r", name):
        return True
    stem = re.sub(r"\s*\d+$", "", name)
    if name in words.skipped_fields or stem in words.skipped_fields:
        return True
    if stem.startswith(("image ", "map ", "caption", "coord", "pushpin", "mapframe", "module")):
        return True
    last = stem.replace("-", " ").split()[-1:] or [""]
    return len(stem.split()) > 1 and last[0] in words.skipped_endings
