"""A file like llava_v1_5_mix665k.json of any size, with its known defects put in and counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# In the proportions of the real file: 665,298 rows, of which 40,688 have no image.
SOURCES = (
    ("coco/train2017/{n:012d}.jpg", 364), ("gqa/images/{n}.jpg", 72), ("vg/VG_100K/{n}.jpg", 86),
    ("ocr_vqa/images/{n}.jpg", 80), ("textvqa/train_images/{n:016x}.jpg", 22), ("", 41),
)  # fmt: skip
_PATTERNS = [pattern for pattern, share in SOURCES for _ in range(share)]
WORDS = (
    "The image shows a bus that is white and red and parked beside a building with several "
    "windows while two people walk along the street and one of them carries an umbrella"
).split()
Row = dict[str, Any]
Defect = Callable[[Row], Any]


def plain_row(number: int) -> Row:
    """Return a healthy row: three rounds about one image, or text alone."""
    image = _PATTERNS[number % len(_PATTERNS)].format(n=number)
    turns: list[Row] = []
    for place in range(3):
        token = "<image>\n" if image and not place else ""
        said = " ".join(WORDS[(number + place + k) % len(WORDS)] for k in range(64))
        question = f"{token}What is at place {place} of {number}?"
        turns += [{"from": "human", "value": question}, {"from": "gpt", "value": f"{said}."}]
    row = {"id": f"{number:012d}", "conversations": turns}
    return row | {"image": image} if image else row | {"model": "vicuna"}


def _imaged(row: Row) -> Row:
    row.setdefault("image", "coco/train2017/extra.jpg")
    first = row["conversations"][0]
    first["value"] = "<image>\n" + first["value"].removeprefix("<image>\n")
    return row


def _turn(row: Row, place: int, **fields: Any) -> Row:
    row["conversations"][place] |= fields
    return row


def _without_image(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "image"}


def _untoken(row: Row) -> Row:
    return _turn(_imaged(row), 0, value=_imaged(row)["conversations"][0]["value"][8:])


# Name in REPAIRS or DEFECTS -> what it does to a healthy row.
INJECTED: dict[str, Defect] = {
    "no conversation": lambda row: {"id": row["id"], "image": "a.jpg"},
    "malformed turn": lambda row: row | {"conversations": [{"from": "human", "text": "Hello"}]},
    "unknown speaker": lambda row: _turn(row, 1, **{"from": "old-model"}),
    "speakers do not alternate": lambda row: _turn(row, 2, **{"from": "gpt"}),
    "empty question": lambda row: _turn(row, 2, value=" \n"),
    "empty answer": lambda row: _turn(row, 1, value=""),
    "no answer": lambda row: row | {"conversations": row["conversations"][:1]},
    "image token without image": lambda row: _without_image(_imaged(row)),
    "image token in an answer": lambda row: _turn(row, 1, value="See <image>"),
    "image tokens differ from images": lambda row: _imaged(row) | {"image": ["a.jpg", "b.jpg"]},
    "malformed image": lambda row: _imaged(row) | {"image": {"path": "a.jpg"}},
    "image path leaves the folder": lambda row: _imaged(row) | {"image": "../../etc/passwd"},
    "video row": lambda row: row | {"video": "a.mp4"},
    "broken character": lambda row: _turn(row, 1, value="half \ud83d of one"),
    "image token added": _untoken,
    "image token repeated": lambda row: _turn(
        _imaged(row), 2, value="<image>\nAnd what else is here?"
    ),
    "empty image field": lambda row: {"image": "", "id": row["id"], "conversations": [
        {"from": "human", "value": f"Say {row['id']}"}, {"from": "gpt", "value": "I did."}]},
    "empty model field": lambda row: row | {"model": ""},
    "leading answer dropped": lambda row: row
    | {"conversations": [{"from": "gpt", "value": "Hi."}, *row["conversations"]]},
    "trailing question dropped": lambda row: row
    | {"conversations": [*row["conversations"], {"from": "human", "value": "And?"}]},
}  # fmt: skip


def rows(count: int, every: int) -> Iterator[tuple[Row, str]]:
    """Yield rows and the name of the defect in each (empty for none): one in `every` has one."""
    names = [*INJECTED, "duplicate row"]
    last: Row = {}
    for number in range(count):
        row = plain_row(number)
        name = names[(number // every) % len(names)] if number % every == every - 1 else ""
        if name == "duplicate row":
            yield last, name
        elif name:
            yield INJECTED[name](row), name
        else:
            last = row
            yield row, name


def write_rows(path: Path, count: int, every: int = 97) -> Counter[str]:
    """Write a JSON array of rows; return how often each defect was put in."""
    injected: Counter[str] = Counter()
    with path.open("w", encoding="utf-8") as out:
        for number, (row, name) in enumerate(rows(count, every)):
            out.write("[\n" if number == 0 else ",\n")
            # As published: indented, and every character as it is but for half ones.
            out.write(json.dumps(row, ensure_ascii=name == "broken character", indent=1))
            injected[name] += 1
        out.write("\n]\n")
    del injected[""]
    return injected
