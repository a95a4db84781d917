"""Contamination: equal, like and overlapping questions are told apart from strangers."""

from imagewikiqa.qa.audit.contamination import LIKE, OVERLAP, SAME, Text, contaminated

KNOWN = Text(
    "Which mountain range does this object inhabit for most of the warm season?",
    ("eastern Himalayas", "western Alps", "southern Andes", "northern Urals"),
)


def test_each_kind_is_named_and_strangers_pass() -> None:
    same = Text(KNOWN.question.upper(), KNOWN.choices[::-1])
    like = Text(KNOWN.question.replace("Which", "What"), KNOWN.choices)
    wrapped = Text("In the wild, " + KNOWN.question + " Think.", KNOWN.choices)
    far = Text(f"{KNOWN.question} " * 2, ("one", "two", "three", "four"))
    stranger = Text("What does this object eat?", ("grass", "fish", "seeds", "nectar"))
    found = contaminated([same, like, wrapped, far, stranger], [KNOWN])
    assert (found[0], found[1]) == (SAME, LIKE)
    assert found[2] in {LIKE, OVERLAP}
    assert 4 not in found
    assert contaminated([same], []) == contaminated([], [KNOWN]) == {}


def test_the_same_words_with_other_options_are_another_question() -> None:
    asked = "What does this object eat?"
    one = Text(asked, ("grass", "fish", "seeds", "nectar"))
    other = Text(asked, ("plankton", "mosquito larvae", "carrion", "bamboo"))
    assert contaminated([one], [other]) == {}


def test_shared_n_grams_count_by_their_share() -> None:
    longer = Text("Tell me first of all and in short, " + KNOWN.question, KNOWN.choices)
    assert contaminated([longer], [KNOWN]) == {0: OVERLAP}
    mostly_new = Text(" ".join(f"word{at}" for at in range(40)) + KNOWN.question, KNOWN.choices)
    assert contaminated([mostly_new], [KNOWN]) == {}
