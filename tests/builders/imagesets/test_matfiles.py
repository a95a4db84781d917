"""Annotation files of MATLAB are read like published ones; a hostile one is one sentence."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.io import loadmat

from imagewikiqa.builders.imagesets.matfiles import load_mat, rows_of, whole_numbers
from imagewikiqa.builders.imagesets.root import Found
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import car_names, car_whole, cell, devkit_meta, mat
from tests.builders.imagesets.layouts import struct as struct_array


def load(data: bytes) -> dict[str, Any]:
    return load_mat(Found(name="x.mat", data=data))


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_texts_cells_and_structs_come_back(compressed: bool) -> None:
    rows = struct_array(("fname", "class"), [("a.jpg", np.uint8(3)), ("b.jpg", np.uint8(196))])
    variables = {
        "labels": np.array([[1, 255]], dtype=np.uint8),
        "class_names": cell(["Ram C/V", "", "smart fortwo"]),
        "annotations": rows,
        "name": "Caf\xe9 \u65e5\u672c",
    }
    found = load(mat(variables, compressed))
    assert whole_numbers(found["labels"]) == [1, 255]
    assert [str(name) for name in found["class_names"]][::2] == ["Ram C/V", "smart fortwo"]
    assert found["name"] == variables["name"]
    table = rows_of(found, "annotations", ("fname", "class"))
    assert [(row["fname"], whole_numbers(row["class"])) for row in table] == [
        ("a.jpg", [3]),
        ("b.jpg", [196]),
    ]
    assert rows_of(found, "annotations", ("fname", "test")) == []
    assert rows_of(found, "labels", ("fname",)) == []


KINDS = ["u1", "i2", "u2", "i4", "f4", "f8", "i8", "u8"]


@given(arrays(st.sampled_from(KINDS), st.tuples(st.integers(1, 4), st.integers(1, 4))))
def test_numbers_are_those_that_scipy_reads(values: Any) -> None:
    data = mat({"x": values})
    stream: Any = io.BytesIO(data)
    np.testing.assert_array_equal(load(data)["x"], loadmat(stream)["x"])


def test_only_whole_numbers_in_a_row_are_a_list() -> None:
    assert whole_numbers(np.array([[2.0], [3.0]])) == [2, 3]
    for value in (np.array([[1.5]]), np.eye(2), np.array([[np.nan]]), "12", [1], None):
        assert whole_numbers(value) is None


def array(kind: int, sizes: tuple[int, ...], *parts: bytes) -> bytes:
    """Return an array element as MATLAB writes it: flags, sizes, name, then what is given."""

    def element(code: int, body: bytes) -> bytes:
        return struct.pack("<II", code, len(body)) + body + bytes(-len(body) % 8)

    body = element(6, struct.pack("<II", kind, 0))
    body += element(5, struct.pack(f"<{len(sizes)}i", *sizes)) + element(1, b"x")
    body += b"".join(element(2, part) if kind not in (1, 2) else part for part in parts)
    return element(14, body)


def file(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(elements)


def bomb() -> bytes:
    body = zlib.compress(bytes(80 << 20), 9)
    return file(struct.pack("<II", 15, len(body)) + body)


def nested(depth: int) -> bytes:
    inner = array(9, (1, 1), b"\1")
    for _ in range(depth):
        inner = array(1, (1, 1), inner)
    return inner


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "its header is not that of version 5"),
        (b"<html>" * 90, "its header is not that of version 5"),
        (b"\x89HDF\r\n\x1a\n".ljust(512), "its header is not that of version 5"),
        (file(array(1, (1 << 15, 1 << 15))), "claims more values than it holds"),
        (file(array(2, (1 << 30, 1), b"")), "a struct has no field names"),
        (file(array(6, (1 << 20, 1 << 20), b"\1")), "claims more values than it holds"),
        (file(array(6, (-4, 1), b"\1")), "an array has a negative size"),
        (file(array(9, (-2, -3), b"\1")), "an array has a negative size"),
        (file(array(17, (1, 1), b"\1")), "it holds an array of class 17"),
        (file(array(3, (1, 1), b"\1")), "it holds an array of class 3"),
        (file(array(5, (1, 1), b"\1")), "it holds an array of class 5"),
        (file(nested(9)), "its arrays nest too deep"),
        (file(array(9, (1, 1), b"\1"))[:-9], "it is cut"),
        (file(struct.pack("<II", 9, 8) + bytes(8)), "it holds an element of type 9"),
        (file(struct.pack("<II", 15, 4) + b"abcd"), "incorrect header check"),
        (bomb(), "it unpacks to more than"),
    ],
)
def test_a_hostile_file_is_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(ToolkitError, match=f"x.mat is no usable MATLAB 5 file .*{words}"):
        load(data)


@given(st.data())
def test_damage_anywhere_ends_in_values_or_one_sentence(draw: st.DataObject) -> None:
    data = bytearray(draw.draw(st.sampled_from(SMALL)))
    places = st.tuples(st.integers(120, len(data) - 1), st.integers(0, 255))
    for place, value in draw.draw(st.lists(places, min_size=1, max_size=5)):
        data[place] = value
    cut = draw.draw(st.integers(0, len(data)))
    for damaged in (bytes(data), bytes(data[:cut])):
        try:
            assert isinstance(load(damaged), dict)
        except ToolkitError as error:
            assert str(error).startswith("the annotation file x.mat is no usable")


SMALL = [
    mat({"a": np.array([[1, 2]], dtype=np.uint8), "names": cell(["a", "bc"])}, compressed=False),
    mat({"t": struct_array(("f", "g"), [("x", np.uint8(1))])}, compressed=False),
    mat({"t": struct_array(("f", "g"), [("x", np.uint8(1))])}),
]


def test_files_of_the_published_sizes_are_within_the_limits() -> None:
    whole = car_whole([(1, False)] * 16_185, car_names())
    assert len(load(whole)["annotations"]) == 16_185
    assert len(load(devkit_meta())["synsets"]) == 1010
