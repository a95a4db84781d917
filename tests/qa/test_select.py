"""Selection: limits hold on the final set, and every draft is released or rejected once."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import floor
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.digests import keyed_int, text_digest
from imagewikiqa.core.records import (
    Authorship,
    Choice,
    Draft,
    Evidence,
    Judged,
    Judgement,
    JudgeScore,
)
from imagewikiqa.qa.audit.near import like_groups
from imagewikiqa.qa.balance import tolerance
from imagewikiqa.qa.select import FEW, SelectSettings, habits, select
from imagewikiqa.qa.surface import longest_credit

LOOSE = SelectSettings(form_cap=1.0, per_class=50)
STRICT = SelectSettings()


def draft(
    number: int,
    about: str = "c0",
    form: str = "",
    question: str | None = None,
    options: tuple[str, str, str, str] | None = None,
    kind: str = "",
) -> Draft:
    """A draft unlike any other, with options of one length, unless told otherwise."""
    mark = text_digest(str(number))
    # Four options of one length, each in one question only: no habit gains anything.
    a, b, c, d = options or (mark[:12], mark[12:24], mark[24:36], mark[36:48])
    return Draft(
        id=f"q{number}", class_id=about, class_name=about,
        question=question or f"What does this object {mark}?", question_named=f"What {mark}?",
        choices=(Choice(text=a), Choice(text=b), Choice(text=c), Choice(text=d)),
        evidence=Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=0,
                          end=1),
        author=Authorship(name="test", model="none", prompt="none", seed=0, form=form, kind=kind),
    )  # fmt: skip


def judged(
    drafts: Sequence[Draft], dropped: Mapping[str, str] | None = None, guessed: int = 1
) -> dict[str, Judged]:
    """Verdicts that keep all but `dropped`; the commonest value is right `guessed` times in 4."""

    def score(right: int) -> JudgeScore:
        return JudgeScore(judge="j", right=right, trials=4, unparsed=0, picks=(0, 0, 0, 0))

    one = Judgement(with_name=score(4), without_name=score(0), closed_book=score(guessed))
    lost = dropped or {}
    return {
        d.id: Judged(id=d.id, keep=d.id not in lost, reason=lost.get(d.id, "kept"), judges=(one,))
        for d in drafts
    }


def chosen(drafts: Sequence[Draft], how: SelectSettings = LOOSE) -> tuple[set[str], dict[str, str]]:
    """Return the ids kept, and the reason of each that is not; every draft ends as one of both."""
    kept, rejects = select(drafts, judged(drafts), {}, how)
    reasons = {reject.input: reject.reason for reject in rejects}
    assert len(kept) + len(rejects) == len(drafts)
    assert {one.id for one in kept} | set(reasons) == {one.id for one in drafts}
    return {one.id for one in kept}, reasons


def long_right(number: int, about: str) -> Draft:
    mark = text_digest(str(number))
    return draft(number, about, options=(mark[:20], mark[20:30], mark[30:40], mark[40:50]))


def test_the_filter_and_the_checks_give_their_reasons() -> None:
    drafts = [draft(number) for number in range(4)]
    verdicts = judged(drafts, {"q1": "guessable without the name"})
    kept, rejects = select(drafts, verdicts, {"q1": "name leak", "q2": "name leak"}, LOOSE)
    assert [one.id for one in kept] == ["q0", "q3"]
    assert [(one.id, one.stage, one.input, one.reason) for one in rejects] == [
        ("filter:q1", "filter", "q1", "guessable without the name"),
        ("assemble:q2", "assemble", "q2", "name leak"),
    ]


def test_a_class_keeps_at_most_its_share_and_the_rarest_forms() -> None:
    common = [draft(number, f"c{number}", form="diet") for number in range(20)]
    full = [draft(100 + at, "c0", form=f"f{at}") for at in range(7)]
    kept, reasons = chosen([*common, *full], replace(LOOSE, per_class=3))
    of_c0 = {one for one in kept if one == "q0" or one.startswith("q10")}
    assert len(of_c0 - {f"q{n}" for n in range(1, 20)}) == 3
    assert reasons["q0"] == "class has enough questions"  # the form that everybody has goes first
    assert Counter(reasons.values()) == {"class has enough questions": 5}


def test_a_form_is_asked_once_of_a_class() -> None:
    twice = [draft(number, "c0", form="diet") for number in range(3)]
    other = [draft(9, "c1", form="diet")]
    kept, reasons = chosen([*twice, *other])
    assert len(kept & {"q0", "q1", "q2"}) == 1
    assert "q9" in kept
    assert set(reasons.values()) == {"form asked twice of the class"}


def test_a_class_has_one_question_of_each_kind_before_a_second_of_any() -> None:
    same = [draft(number, kind="numbers") for number in range(9)]
    mixed = [*same, *(draft(100 + at, kind=kind) for at, kind in enumerate(("use", "origin")))]
    how = SelectSettings(per_class=4)
    kept, _ = chosen(mixed, how)
    assert {"q100", "q101"} < kept and len(kept) == 4
    assert len(chosen(same, how)[0]) == 4, "of one kind alone there are as many as asked for"


def test_questions_without_a_form_may_be_many() -> None:
    drafts = [draft(number, f"c{number % 5}") for number in range(20)]
    assert chosen(drafts, SelectSettings())[1] == {}


@pytest.mark.parametrize("other", ["c0", "c1"])
def test_of_two_like_questions_one_stays_in_and_across_classes(other: str) -> None:
    options = ("eastern Himalayas", "western Alps", "southern Andes", "northern Urals")
    turned = (options[0], options[3], options[2], options[1])
    first = draft(1, "c0", question="Where does this object live?", options=options)
    second = draft(2, other, question="Where does this object live", options=turned)
    kept, reasons = chosen([first, second])
    assert len(kept) == 1
    assert set(reasons.values()) == {"like another question"}


def test_the_same_words_with_other_options_are_another_question() -> None:
    asked = "Where does this object live?"
    drafts = [draft(number, f"c{number}", question=asked) for number in range(4)]
    assert len(chosen(drafts)[0]) == 4


def test_the_same_options_under_another_question_are_another_question() -> None:
    options = ("Himalayas", "Alps mount", "Andes hill", "Urals peak")
    drafts = [
        draft(1, question="Where does this object live?", options=options),
        draft(2, question="Over which range is this object hunted by eagles?", options=options),
    ]
    assert len(chosen(drafts)[0]) == 2


def test_what_is_dropped_is_like_something_that_stays() -> None:
    """Of a chain of like questions the ends may both stay, in whatever order they are looked at."""
    words = "amber birch cedar delta ember fjord grove heath inlet jetty knoll lunar marsh oasis"
    texts = [" ".join(f"{words} plain quarry reeds".split()[at : at + 13]) for at in range(5)]
    drafts = [
        draft(at, question=text, options=("aaaa", "bbbb", "cccc", "dddd"))
        for at, text in enumerate(texts)
    ]
    like = like_groups(texts)
    assert [sorted(found) for found in like] == [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4]]
    for seed in range(20):
        kept, reasons = chosen(drafts, replace(LOOSE, seed=seed))
        stays = {int(one[1:]) for one in kept}
        assert set(reasons.values()) == {"like another question"}
        assert all(not like[at] & stays - {at} for at in stays)
        assert all(like[int(one[1:])] & stays for one in reasons)


forms = st.sampled_from(["", *(f"form{at}" for at in range(9))])
made = st.lists(st.tuples(forms, st.integers(0, 12), st.booleans()), max_size=60).map(
    lambda rows: [
        draft(at, f"c{group}", form) if plain else
        long_right(at, f"c{group}").model_copy(update={"author": draft(at, form=form).author})
        for at, (form, group, plain) in enumerate(rows)
    ]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(made, st.integers(1, 5), st.none() | st.integers(1, 30), st.sampled_from([0.15, 0.3, 1.0]))
def test_every_draft_ends_once_and_every_limit_holds_on_what_is_left(
    drafts: list[Draft], per_class: int, questions: int | None, cap: float
) -> None:
    how = SelectSettings(per_class=per_class, questions=questions, form_cap=cap)
    dropped = {one.id: "not answerable" for one in drafts[::7]}
    failed = {one.id: "name leak" for one in drafts[::5]}
    kept, rejects = select(drafts, judged(drafts, dropped), failed, how)

    inputs = [reject.input for reject in rejects]
    assert sorted([*(one.id for one in kept), *inputs]) == sorted(one.id for one in drafts)
    assert len({reject.id for reject in rejects}) == len(rejects)
    assert all(one.reason and one.id == f"{one.stage}:{one.input}" for one in rejects)
    assert kept == [one for one in drafts if one in kept]  # in the order of the drafts
    assert not {one.id for one in kept} & {*dropped, *failed}

    assert questions is None or len(kept) <= questions
    assert max(Counter(one.class_id for one in kept).values(), default=0) <= per_class
    used = Counter(one.author.form for one in kept if one.author.form)
    assert max(used.values(), default=0) <= max(FEW, floor(cap * len(kept)))
    assert max(Counter((d.class_id, d.author.form) for d in kept if d.author.form).values(),
               default=1) == 1  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(made, st.randoms(use_true_random=False))
def test_the_order_of_drafts_decides_nothing(drafts: list[Draft], shuffler: random.Random) -> None:
    turned = shuffler.sample(drafts, len(drafts))
    assert chosen(drafts, STRICT) == chosen(turned, STRICT)


@pytest.mark.parametrize("most", [None, 100, 30])
def test_the_cap_and_the_balance_hold_together_on_the_final_set(most: int | None) -> None:
    # Forms of uneven size, a third of the right options longest: the cap upsets the balance.
    drafts = []
    for number in range(600):
        form = f"form{min(keyed_int(number) % 20, 11)}"
        one = long_right(number, f"c{number % 150}") if keyed_int(number, "long") % 3 == 0 else None
        plain = draft(number, f"c{number % 150}", form)
        drafts.append(plain.model_copy(update={"choices": one.choices}) if one else plain)
    how = SelectSettings(questions=most)
    kept, rejects = select(drafts, judged(drafts), {}, how)
    used = Counter(one.author.form for one in kept)
    assert len(kept) == most if most else len(kept) > 150
    assert max(used.values()) <= 0.15 * len(kept)
    for habit in habits(judged(drafts), kept):
        rate = sum(habit.credit(one) for one in kept) / len(kept)
        assert abs(rate - 0.25) <= tolerance(len(kept)), habit.name
    reasons = {reject.reason for reject in rejects}
    assert "form has enough questions" in reasons
    assert ("more questions than asked for" in reasons) == (most is not None)


def test_the_cap_holds_after_the_balance_took_from_other_forms() -> None:
    plain = [draft(at, f"c{at}", f"form{at % 5}") for at in range(75)]  # five forms at the cap
    leaning = [long_right(at, f"c{at}") for at in range(75, 100)]
    kept, reasons = chosen([*plain, *leaning], STRICT)
    used = Counter(f"form{int(one[1:]) % 5}" for one in kept if int(one[1:]) < 75)
    assert max(used.values()) <= max(FEW, 0.15 * len(kept))
    assert set(reasons.values()) == {"form has enough questions", "length bias: longest option"}


def test_a_longest_right_bias_is_taken_out_and_named() -> None:
    drafts = [
        long_right(n, f"c{n}") if n % 100 < 42 else draft(n, f"c{n}") for n in range(300)
    ]  # fmt: skip
    kept, reasons = chosen(drafts)
    left = [one for one in drafts if one.id in kept]
    earned = [longest_credit([choice.text for choice in one.choices], 0) for one in left]
    assert sum(earned) / len(earned) == pytest.approx(0.25, abs=tolerance(len(earned)))
    assert {int(one[1:]) % 100 < 42 for one in reasons} == {True}  # only those that are longest
    assert set(reasons.values()) == {"length bias: longest option"}


def test_a_set_whose_commonest_values_are_right_is_brought_down() -> None:
    drafts = [draft(number, f"c{number}") for number in range(200)]
    verdicts = judged(drafts[:120], guessed=1) | judged(drafts[120:], guessed=4)
    kept, rejects = select(drafts, verdicts, {}, LOOSE)
    assert {reject.reason for reject in rejects} == {"common value bias"}
    assert {reject.input for reject in rejects} <= {one.id for one in drafts[120:]}
    rates = [verdicts[one.id].judges[0].closed_book for one in kept]
    mean = sum(rate.rate for rate in rates if rate) / len(kept)
    assert mean == pytest.approx(0.25, abs=0.02)


def test_a_set_whose_right_options_are_rare_is_noticed() -> None:
    shared = ("common one", "common two", "common six")
    drafts = [
        draft(n, f"c{n}", options=(text_digest(str(n))[:10], *shared)) if n < 60 else
        draft(n, f"c{n}")
        for n in range(160)
    ]  # fmt: skip
    kept, reasons = chosen(drafts)
    assert set(reasons.values()) == {"repeated option bias"}
    assert {int(one[1:]) for one in reasons} <= set(range(60))
    assert len(kept) < 130


def test_a_habit_that_no_judge_measured_is_at_chance() -> None:
    drafts = [draft(number, f"c{number}") for number in range(3)]
    verdicts = judged(drafts)
    bare = {
        one: row.model_copy(update={"judges": tuple(
            part.model_copy(update={"closed_book": None}) for part in row.judges)})
        for one, row in verdicts.items()
    }  # fmt: skip
    common = next(habit for habit in habits(bare, drafts) if habit.name == "commonest")
    assert [common.credit(one) for one in drafts] == [0.25] * 3


@pytest.mark.parametrize("mode", ["strict", "paper"])
def test_a_number_of_questions_is_met_exactly(mode: Literal["strict", "paper"]) -> None:
    drafts = [draft(number, f"c{number}") for number in range(40)]
    kept, reasons = chosen(drafts, replace(LOOSE, mode=mode, questions=13))
    assert len(kept) == 13
    assert set(reasons.values()) == {"more questions than asked for"}
    assert chosen(drafts, replace(LOOSE, mode=mode, questions=40))[1] == {}


def test_the_mode_paper_keeps_what_the_filter_keeps_of_the_first_drafts_of_a_class() -> None:
    same = [draft(n, "c0", form="diet", question="What is this object?") for n in range(7)]
    biased = [long_right(10 + n, f"c{1 + n}") for n in range(30)]
    drafts = [*same, *biased]
    verdicts = judged(drafts, {"q2": "guessable", "q12": "guessable"})
    paper = SelectSettings(mode="paper")
    kept, rejects = select(drafts, verdicts, {"q0": "name leak", "q11": "name leak"}, paper)
    assert {reject.input: reject.reason for reject in rejects} == {
        "q2": "guessable", "q12": "guessable",
        "q5": "class has enough questions", "q6": "class has enough questions",
    }  # fmt: skip
    assert [one.id for one in kept][:4] == ["q0", "q1", "q3", "q4"]
    assert len(kept) == 4 + 29


def test_no_drafts_give_no_questions() -> None:
    assert select([], {}, {}, STRICT) == ([], [])
