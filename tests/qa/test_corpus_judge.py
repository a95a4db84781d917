"""The corpus judge on eight small pages whose answers are known."""

import ast
import asyncio
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Page, Section
from imagewikiqa.qa import corpus_judge, retrieval
from imagewikiqa.qa.corpus_judge import CorpusJudge
from imagewikiqa.qa.filter import cyclic_orders
from imagewikiqa.qa.protocols import Answer, Ask, Condition

TEXTS: dict[str, str] = json.loads(
    (Path(__file__).parent.parent / "data" / "judge_pages.json").read_text(encoding="utf-8")
)
CLASSES = [ClassEntry(id=name.replace(" ", "_"), name=name) for name in TEXTS]
Choices = tuple[str, str, str, str]


def page(name: str, text: str) -> Page:
    heads = ("Diet", "Range", "Infobox")
    starts = [text.index(f"\n{head}\n") + 1 for head in heads]
    ends = [*starts[1:], len(text)]
    spans = zip(heads, starts, ends, strict=True)
    return Page(
        id=f"page:{name}", class_ids=(name.replace(" ", "_"),), title=name, page_id=None,
        revision_id=None, revision_timestamp=None, url="", license="CC0-1.0", text=text, facts={},
        sections=(
            Section(path=(), start=0, end=starts[0]),
            *(Section(path=(head,), start=start, end=end) for head, start, end in spans),
        ),
        source="test", sha256=text_digest(text),
    )  # fmt: skip


PAGES = [page(name, text) for name, text in TEXTS.items()]
JUDGE = CorpusJudge(PAGES, CLASSES)


def ask(question: str, choices: Choices, condition: Condition, about: str = "") -> Ask:
    return Ask(
        question=question.replace("this object", f"the {about}" if about else "this object"),
        choices=choices,
        condition=condition,
        class_id=about.replace(" ", "_") or None,
        class_name=about or None,
    )


def answer(*args: str | Choices, judge: CorpusJudge = JUDGE) -> Answer:
    return asyncio.run(judge.answer(ask(*args)))  # type: ignore[arg-type]


def picks_over_rotations(question: str, choices: Choices, condition: Condition) -> list[str]:
    picked = []
    for a, b, c, d in cyclic_orders((0, 1, 2, 3)):
        shown = (choices[a], choices[b], choices[c], choices[d])
        position = answer(question, shown, condition).position
        assert position is not None
        picked.append(shown[position])
    return picked


NAMED = [
    ("reed panda", "What does this object mainly eat?", ("bamboo", "figs", "voles", "algae")),
    ("surf otter", "Where is this object native to?", ("Japan", "Peru", "Nepal", "Norway")),
    ("cave tapir", "How much does this object weigh?", ("240 kg", "6.2 kg", "30 kg", "5 kg")),
    ("ash finch", "What colour is the plumage of this object?", ("black", "grey", "red", "tan")),
    # The wrong option stands on the page as well, away from the words of the question.
    ("marsh crane", "What does this object mainly eat?", ("frogs", "bamboo", "urchins", "seeds")),
]


@pytest.mark.parametrize(("about", "question", "choices"), NAMED)
def test_with_the_name_the_page_answers_in_every_order(
    about: str, question: str, choices: Choices
) -> None:
    for a, b, c, d in itertools.permutations(choices):
        given_back = answer(question, (a, b, c, d), "with_name", about)
        assert given_back == Answer(state="answered", position=(a, b, c, d).index(choices[0]))


def test_two_options_that_are_both_true_are_ambiguous() -> None:
    both = answer("Where is this object native to?", ("Japan", "Russia", "Peru", "Korea"),
                  "with_name", "surf otter")  # fmt: skip
    assert both == Answer(state="ambiguous")


def test_a_page_that_holds_no_option_gives_no_answer() -> None:
    none = answer("What does this object mainly eat?", ("krill", "squid", "kelp", "ants"),
                  "with_name", "reed panda")  # fmt: skip
    assert none == Answer(state="empty")


def test_a_number_that_is_not_on_the_page_is_no_evidence_though_its_unit_is() -> None:
    choices = ("240 g", "24 kg", "3.5 t", "2 kg")
    assert answer("How much does this object weigh?", choices, "with_name", "cave tapir") == Answer(
        state="empty"
    )


def test_an_option_put_in_other_words_is_found_by_those_it_shares_with_the_page() -> None:
    choices = ("beetles it hunts at dusk", "volcanic ash", "an urchin shell", "reeds and bamboo")
    named = answer("When does this object feed?", choices, "with_name", "dune gecko")
    assert named == Answer(state="answered", position=0)


PLAIN = [
    ("What does this object mainly eat?", ("bamboo", "figs", "voles", "algae")),
    ("Where is this object native to?", ("Nepal", "Peru", "Canada", "Iceland")),
    ("How much does this object weigh?", ("3.5 kg", "240 kg", "5 kg", "18 g")),
    ("What is the price of this object?", ("1 euro", "2 euro", "3 euro", "4 euro")),
]


@pytest.mark.parametrize(("question", "choices"), PLAIN)
def test_a_plain_question_is_guessed_by_each_option_once_over_the_rotations(
    question: str, choices: Choices
) -> None:
    assert sorted(picks_over_rotations(question, choices, "without_name")) == sorted(choices)


def test_words_that_single_out_a_page_give_the_answer_away() -> None:
    question = "What does this object, which cracks shells with stones while floating, eat?"
    choices = ("urchins", "figs", "voles", "algae")
    assert picks_over_rotations(question, choices, "without_name") == ["urchins"] * 4


def test_wrong_options_of_another_kind_give_the_answer_away() -> None:
    question = "What does this object mainly eat?"
    choices = ("figs", "Norway", "mammal", "900 g")
    assert picks_over_rotations(question, choices, "without_name") == ["figs"] * 4


def test_an_invented_option_is_neither_supported_nor_excluded() -> None:
    choices = ("figs", "wombats", "plankton", "quinces")
    picked = picks_over_rotations("What does this object mainly eat?", choices, "without_name")
    assert sorted(picked) == sorted(choices)


def test_blind_conditions_refuse_to_read_the_class() -> None:
    choices: Choices = ("figs", "voles", "algae", "seeds")
    question = "What does this object mainly eat?"
    told = Ask(question=question, choices=choices, condition="without_name",
               class_id="cave_tapir", class_name="cave tapir")  # fmt: skip
    assert JUDGE.weigh(told) == JUDGE.weigh(ask(question, choices, "without_name"))


def test_the_closed_book_guess_is_the_most_common_value_over_classes() -> None:
    assert JUDGE.classes_holding("Russia") == 2
    assert JUDGE.classes_holding("mammals") == 4
    assert JUDGE.classes_holding("amma") == 0
    choices = ("Nepal", "Peru", "Russia", "Korea")
    assert picks_over_rotations("Where?", choices, "closed_book") == ["Russia"] * 4


def test_two_pages_of_one_class_count_as_one_class() -> None:
    twice = page("plains fox", TEXTS["plains fox"]).model_copy(update={"id": "page:again"})
    judge = CorpusJudge([*PAGES, twice], CLASSES)
    assert judge.classes_holding("Kazakhstan") == 1
    voles = answer("What does this object eat?", ("figs", "voles", "algae", "urchins"),
                   "with_name", "plains fox", judge=judge)  # fmt: skip
    assert voles.position == 1


@pytest.mark.parametrize(
    ("tied", "shares"), [(1, [4]), (2, [2, 2]), (3, [1, 1, 2]), (4, [1, 1, 1, 1])]
)
def test_tied_options_share_the_guesses_over_the_rotations(tied: int, shares: list[int]) -> None:
    common, rare = ("Nepal", "Peru", "Korea", "Canada"), ("Mars", "Venus", "Pluto", "Ceres")
    a, b, c, d = [*common[:tied], *rare][:4]
    for number in range(20):
        picked = Counter(picks_over_rotations(f"Question {number}?", (a, b, c, d), "closed_book"))
        assert sorted(picked.values()) == shares
        assert set(picked) <= set(common[:tied])


def test_a_three_way_tie_without_the_name_reads_as_chance() -> None:
    question = "What does this object mainly eat?"
    choices = ("figs", "voles", "algae", "Norway")
    assert len(set(JUDGE.weigh(ask(question, choices, "without_name")))) == 2
    assert sorted(picks_over_rotations(question, choices, "without_name")) == sorted(choices)


def test_an_answer_is_found_in_units_and_numbers_spelled_out() -> None:
    text = TEXTS["ash finch"].replace("slopes.", "slopes. It lays two eggs of 3 grams each.")
    judge = CorpusJudge([page("ash finch", text)], CLASSES)
    eggs = answer("How many eggs does this object lay?", ("4 eggs", "2 eggs", "6 eggs", "1 egg"),
                  "with_name", "ash finch", judge=judge)  # fmt: skip
    assert eggs.position == 1
    grams = answer("How heavy are the eggs of this object?", ("30 g", "5 g", "3 kg", "3 g"),
                   "with_name", "ash finch", judge=judge)  # fmt: skip
    assert grams.position == 3


def test_ties_favour_no_place_in_the_list_of_options() -> None:
    choices: Choices = ("Nepal", "Peru", "Korea", "Canada")
    positions = Counter(
        answer(f"Question {number}?", choices, "closed_book").position for number in range(400)
    )
    assert all(70 <= positions[place] <= 130 for place in range(4))


OPTIONS = ["bamboo", "figs", "voles", "Japan", "Russia", "240 kg", "30 kg", "mammal", "krill"]
QUESTIONS = ["What does this object mainly eat?", "Where is this object native to?",
             "How much does this object weigh?", "What cracks shells?"]  # fmt: skip
CONDITIONS: list[Condition] = ["with_name", "without_name", "closed_book"]


@given(
    st.sampled_from(QUESTIONS),
    st.lists(st.sampled_from(OPTIONS), min_size=4, max_size=4, unique=True),
    st.permutations(range(4)),
    st.sampled_from(CONDITIONS),
    st.sampled_from(list(TEXTS)),
)
def test_what_an_option_weighs_does_not_depend_on_where_it_is_shown(
    question: str, options: list[str], order: list[int], condition: Condition, name: str
) -> None:
    about = name if condition == "with_name" else ""
    a, b, c, d = options
    first = ask(question, (a, b, c, d), condition, about)
    w, x, y, z = (options[i] for i in order)
    other = ask(question, (w, x, y, z), condition, about)
    weights = JUDGE.weigh(first)
    assert JUDGE.weigh(other) == tuple(weights[i] for i in order)
    was, now = asyncio.run(JUDGE.answer(first)), asyncio.run(JUDGE.answer(other))
    assert was.state == now.state
    if was.position is not None and now.position is not None:
        if weights.count(max(weights)) != 3:  # a tie of three is dealt to all four
            assert weights[was.position] == weights[order[now.position]] == max(weights)


def test_a_judge_built_again_says_the_same() -> None:
    again = CorpusJudge(PAGES, CLASSES)
    for question, choices in PLAIN:
        for condition in CONDITIONS[1:]:
            repeated = ask(question, choices, condition)
            assert asyncio.run(again.answer(repeated)) == asyncio.run(JUDGE.answer(repeated))


def test_the_order_of_the_pages_does_not_matter() -> None:
    turned = CorpusJudge(PAGES[::-1], CLASSES)
    for about, question, choices in NAMED:
        for named in (ask(question, choices, "with_name", about),
                      ask(question, choices, "without_name")):  # fmt: skip
            assert turned.weigh(named) == JUDGE.weigh(named)


def test_classes_the_list_does_not_hold_are_refused_in_one_sentence() -> None:
    with pytest.raises(ToolkitError, match="page:reed panda speaks of class reed_panda"):
        CorpusJudge(PAGES, CLASSES[1:])
    with pytest.raises(ToolkitError, match="asked about class yeti"):
        answer("What does this object eat?", ("a", "b", "c", "d"), "with_name", "yeti")


def test_a_class_without_pages_gives_no_answer() -> None:
    judge = CorpusJudge(PAGES[1:], CLASSES)
    question, choices = "What does this object eat?", ("bamboo", "figs", "voles", "algae")
    assert answer(question, choices, "with_name", "reed panda", judge=judge).state == "empty"


def test_the_judge_shares_no_code_with_the_author() -> None:
    """Read the imports of the judge and of what it reads with: the author's folder is absent."""
    imported: set[str] = set()
    for module in (corpus_judge, retrieval):
        assert module.__file__ is not None
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    ours = {name for name in imported if name.startswith("imagewikiqa")}
    assert ours == {
        "imagewikiqa.core.digests",
        "imagewikiqa.core.errors",
        "imagewikiqa.core.records",
        "imagewikiqa.qa.protocols",
        "imagewikiqa.qa.retrieval",
    }
