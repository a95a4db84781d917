"""What stands more than once, against a reference that compares every pair."""

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.mixtures.inspect.duplicates import all_repeats, repeats

SAMPLES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60)


@given(SAMPLES)
def test_repeats_are_those_of_a_dictionary(samples: list[tuple[int, int]]) -> None:
    marks, rows = (np.array([one[at] for one in samples], np.uint64) for at in (0, 1))
    numbers = np.arange(len(samples), dtype=np.int64) * 3
    found = repeats("image", marks, rows, numbers)
    groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, (mark, row) in zip(numbers.tolist(), samples, strict=True):
        groups[mark].append((row, number))
    assert found.samples == len(samples) and found.distinct == len(groups)
    rows_of = {mark: len({row for row, _ in group}) for mark, group in groups.items()}
    assert found.by_other_row == sum(rows_of.values()) - len(groups)
    assert found.by_same_row == len(samples) - sum(rows_of.values())
    slow = [
        (rows_of[mark], len(group), group[0][1], mark)
        for mark, group in groups.items()
        if len(group) > 1
    ]
    slow.sort(key=lambda one: (-one[0], -one[1], one[2]))
    columns = (found.rows, found.counts, found.firsts, found.marks)
    assert [tuple(map(int, row)) for row in zip(*columns, strict=True)] == slow
    assert [one.first for one in found.largest(2)] == [one[2] for one in slow if one[0] > 1][:2]
    assert sum(table.num_rows for table in found.tables()) == len(slow)


def test_the_same_words_with_another_image_are_no_duplicate() -> None:
    images = np.array([7, 8, 0, 0, 7], np.uint64)
    has_image = np.array([True, True, False, False, True])
    words, rows = np.array([1, 1, 1, 1, 1], np.uint64), np.arange(5, dtype=np.uint64)
    image, conversation, both = all_repeats(images, has_image, words, rows)
    assert (image.samples, image.by_other_row) == (3, 1)
    assert (conversation.samples, conversation.by_other_row) == (5, 4)
    assert (both.samples, both.distinct, both.by_other_row) == (5, 3, 2)
