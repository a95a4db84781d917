"""One row of each known layout, told apart by its columns, as an AuditRow."""

import ast
import hashlib
import json
import re
from collections.abc import Callable, Mapping

from imagewikiqa.qa.audit.records import AuditRow

Fields = Mapping[str, object]
EXPECTED = (
    "image, text, label, classname (upstream); question, choices, answer (ours); index, question,"
    " A, B, answer (VLMEvalKit); question, options or option_a.., answer (lmms-eval)"
)
CLASS_IDS = ("class_id", "wnid")
CLASS_NAMES = ("class_name", "classname", "class", "category")
EVIDENCE = ("evidence", "wiki", "reference", "evidence_quote", "quote")
IMAGES = ("image", "image_path", "image_id")
QUESTION_IDS = ("question_id", "id", "index")
INLINE_IMAGE = 512  # characters: longer texts are pixels, not names
_ASK = re.compile(r"\s*\nChoose [A-Z](?:, [A-Z])*,? (?:and|or) [A-Z]\.?\s*\Z")
_LETTER = re.compile(r"\(?([A-Za-z])[).:]?")
_OPTION_COLUMN = re.compile(r"option_[a-z]")


class UnreadableRowError(Exception):
    """A row does not hold a question; the text says why."""


def layout_of(fields: Fields) -> str | None:
    """Return the name of a row's layout, or None when its columns fit none."""
    have = set(fields)
    if {"text", "label"} <= have and "question" not in have:
        return "upstream"
    if not {"question", "answer"} <= have:
        return None
    if "choices" in have:
        return "ours"
    if {"A", "B"} <= have:
        return "VLMEvalKit"
    if "options" in have or {"option_a", "option_b"} <= have:
        return "lmms-eval"
    return None


def class_column(fields: Fields) -> str | None:
    """Return the first column that names the class."""
    return next((name for name in CLASS_IDS + CLASS_NAMES if name in fields), None)


def parse(layout: str, number: int, fields: Fields) -> AuditRow:
    """Return a row of the given layout. Raises UnreadableRowError with the reason."""
    question, choices, answer = _PARTS[layout](fields)
    if not question.strip():
        raise UnreadableRowError("the question is blank")
    if not 2 <= len(choices) <= 26:
        raise UnreadableRowError(f"{len(choices)} options where 2 to 26 are expected")
    if blank := [i for i, text in enumerate(choices) if not text.strip()]:
        raise UnreadableRowError(f"option {chr(65 + blank[0])} is blank")
    if not 0 <= answer < len(choices):
        raise UnreadableRowError(f"the answer is option {answer + 1} of {len(choices)}")
    evidence = next((fields[name] for name in EVIDENCE if fields.get(name) is not None), None)
    return AuditRow(
        row=number,
        question_id=_first_text(fields, QUESTION_IDS),
        class_id=_first_text(fields, CLASS_IDS),
        class_name=_first_text(fields, CLASS_NAMES),
        question=question.strip(),
        choices=tuple(text.strip() for text in choices),
        answer=answer,
        image=image_name(next((fields[k] for k in IMAGES if fields.get(k)), None)),
        **_evidence(evidence),
    )


def image_name(value: object) -> str | None:
    """Return what tells images apart: a path, else a digest of the pixels or of their base64."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("path") or value.get("bytes")
    if isinstance(value, bytes):
        return f"sha256:{hashlib.sha256(value).hexdigest()}"
    if not isinstance(value, str) or not value:
        return None
    if len(value) > INLINE_IMAGE:
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return value


def _upstream(fields: Fields) -> tuple[str, list[str], int]:
    text = fields["text"]
    if not isinstance(text, str):
        raise UnreadableRowError("the field text is no text")
    body = _ASK.sub("", text)
    marks: list[int] = []
    for letter in map(chr, range(65, 91)):
        found = body.find(f"\n{letter}. ", marks[-1] + 1 if marks else 0)
        if found < 0:
            break
        marks.append(found)
    if len(marks) < 2:
        raise UnreadableRowError('the text holds no options on lines "A. ", "B. ", ...')
    ends = [*marks[1:], len(body)]
    choices = [body[i + 4 : end].strip() for i, end in zip(marks, ends, strict=True)]
    return body[: marks[0]], choices, _letter(fields["label"], choices)


def _columns(fields: Fields) -> tuple[str, list[str], int]:
    question = fields["question"]
    if not isinstance(question, str):
        raise UnreadableRowError("the field question is no text")
    options = _options(fields)
    return question, options, _answer(fields["answer"], options)


def _vlmevalkit(fields: Fields) -> tuple[str, list[str], int]:
    letters = [chr(code) for code in range(65, 91) if chr(code) in fields]
    used = [letter for letter in letters if str(fields[letter] or "").strip()]
    if used != letters[: len(used)]:
        raise UnreadableRowError("an option is blank before the last one")
    choices = [str(fields[letter]) for letter in used]
    return str(fields["question"] or ""), choices, _letter(fields["answer"], choices)


def _options(fields: Fields) -> list[str]:
    listed = fields.get("choices") or fields.get("options")
    if listed is None:
        columns = sorted(name for name in fields if _OPTION_COLUMN.fullmatch(name))
        return [str(fields[name]) for name in columns if fields[name] not in (None, "")]
    if isinstance(listed, str):
        listed = _literal(listed)
    if not isinstance(listed, (list, tuple)) or not all(isinstance(x, str) for x in listed):
        raise UnreadableRowError("the options are no list of texts")
    return list(listed)


def _literal(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        pass  # Python's own spelling of a list is common in exported tables
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise UnreadableRowError("the options are no list of texts") from error


def _answer(value: object, choices: list[str]) -> int:
    """Return the right index from an index, an index as text, a letter, or the option itself."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _within(value, choices)
    text = str(value).strip()
    if re.fullmatch(r"\d{1,2}", text):
        return _within(int(text), choices)
    if _LETTER.fullmatch(text):
        return _letter(text, choices)
    if choices.count(text) == 1:
        return choices.index(text)
    raise UnreadableRowError(f"the answer {text[:40]!r} is no letter, index or option")


def _letter(value: object, choices: list[str]) -> int:
    match = _LETTER.fullmatch(str(value).strip())
    if match is None:
        raise UnreadableRowError(f"the answer {str(value)[:40]!r} is no letter")
    return _within(ord(match.group(1).upper()) - 65, choices)


def _within(index: int, choices: list[str]) -> int:
    if not 0 <= index < len(choices):
        raise UnreadableRowError(f"the answer is option {index + 1} of {len(choices)}")
    return index


def _evidence(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        return {"evidence": None if value is None else str(value).strip()}
    return {
        "evidence": str(value.get("quote") or ""),
        "evidence_page": value.get("page"),
        "evidence_start": value.get("start"),
        "evidence_url": value.get("url"),
    }


def _first_text(fields: Fields, names: tuple[str, ...]) -> str | None:
    for name in names:
        value = fields.get(name)
        if value is not None and str(value).strip():
            return str(value).strip()
    return None


_PARTS: dict[str, Callable[[Fields], tuple[str, list[str], int]]] = {
    "upstream": _upstream,
    "ours": _columns,
    "VLMEvalKit": _vlmevalkit,
    "lmms-eval": _columns,
}
