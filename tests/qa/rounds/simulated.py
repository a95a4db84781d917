"""A round whose raters are simulated: every answer is decided by the seed."""

from collections.abc import Mapping, Sequence

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Authorship, Evidence, Question
from imagewikiqa.qa.rounds.records import Answer, Kind, Origin, Review, Subject

SKILL = {"anna": 0.95, "ben": 0.9, "cleo": 0.8, "dan": 0.45}


def chance(*key: str | int) -> float:
    return keyed_int(*key) / 2**64


def subject(number: int, origin: Origin = "set", **more: str) -> Subject:
    name = f"q{number:03}"
    question = Question(
        id=name,
        class_id=f"n{number // 4:08}",
        class_name=more.get("class_name", f"class {number // 4}"),
        question="Where does this object live?",
        question_named=more.get("question", f"Where does class {number // 4} live?"),
        choices=("in rivers", "in trees", "on ice", "under ground"),
        answer=number % 4,
        evidence=Evidence(
            page="p", page_id=1, revision_id=2, url="https://example.org", quote="q", start=0, end=1
        ),
        author=Authorship(name="corpus", model="none", prompt="", seed=0),
        checks={},
        judge=None,
        choice_class_ids=(None, None, None, None),
    )
    return Subject(id=name, origin=origin, question=question, family="")


def answer(one: Subject, rater: str, pick: int | None, **more: object) -> Answer:
    fields: dict[str, object] = {
        "id": f"{rater}-{one.question.id}",
        "rater": rater,
        "question_id": one.question.id,
        "kind": "article",
        "gold": one.origin == "gold",
        "state": "none_right" if pick is None else "picked",
        "pick": pick,
        "shown": None if pick is None else keyed_int("shown", rater, one.question.id) % 4,
        "seconds": 2.0 + 40 * chance("seconds", rater, one.question.id),
        "by_hand": False,
    }
    return Answer.model_validate({**fields, **more})


def simulate(
    count: int = 60,
    overlap: int = 3,
    gold: int = 8,
    kind: Kind = "article",
    skill: Mapping[str, float] = SKILL,
) -> tuple[list[Subject], list[Answer]]:
    """Return a round in which each question goes to `overlap` raters and gold to all."""
    subjects = [subject(n, "gold" if n >= count else "set") for n in range(count + gold)]
    people, answers = list(skill), []
    for number, one in enumerate(subjects):
        wanted = len(people) if one.origin == "gold" else overlap
        for step in range(wanted):
            rater = people[(number + step) % len(people)]
            answers.append(_simulated(one, rater, skill[rater], kind))
    return subjects, answers


def _simulated(one: Subject, rater: str, skill: float, kind: Kind) -> Answer:
    key, luck = one.question.answer, chance("luck", rater, one.question.id)
    pick: int | None = key
    if luck > skill:
        pick = (None, *(n for n in range(4) if n != key))[int(luck * 1000) % 4]
    if kind != "review":
        guessed = luck > 0.8 and kind == "picture"
        return answer(one, rater, pick, kind=kind, flags=("guessed",) if guessed else ())
    review = Review(
        answerable=pick is not None,
        right=() if pick is None else (pick,),
        wording="odd" if luck > 0.9 else "natural",
        picture=("yes", "no", "unsure", None)[int(luck * 100) % 4],
    )
    return answer(one, rater, None, kind=kind, state="reviewed", shown=None, review=review)


def votes(answers: Sequence[Answer]) -> dict[str, dict[str, str]]:
    """Return the votes of picks alone, joined anew for the tests."""
    found: dict[str, dict[str, str]] = {}
    for one in answers:
        if not one.gold:
            said = "none" if one.pick is None else "ABCD"[one.pick]
            found.setdefault(one.question_id, {})[one.rater] = said
    return found
