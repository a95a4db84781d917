"""What each check asks, in words, and when its figure is ok, worth a look, or a leak."""

from dataclasses import dataclass
from typing import Literal

from imagewikiqa.qa.audit.records import Accuracy, Verdict


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """One check: its key in the summary, its title, what it means, how bad a hit is."""

    key: str
    title: str
    means: str
    hit: Literal["look", "leak"] = "look"


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """Checks that answer one question about the file."""

    key: str
    title: str
    checks: tuple[CheckInfo, ...]


GUESSING = CheckGroup(
    "guessing",
    "Can the answer be guessed without the image?",
    (
        CheckInfo(
            "letters", "Balance of the letters",
            "Right letters over questions. A leak when equal shares are implausible"
            " (chi-squared p below 0.01).", "leak",
        ),
        CheckInfo(
            "longest_option", "Picking the longest option",
            "Options counted in characters; k tied options earn 1/k. Below chance is a leak too:"
            " then the longest option can be ruled out.", "leak",
        ),
        CheckInfo(
            "shortest_option", "Picking the shortest option",
            "The same rule turned round.", "leak",
        ),
        CheckInfo(
            "surface_model", "A guesser that sees only the look of the options",
            "A small choice model on lengths, overlaps, digits, capitals, hedges and rare words,"
            " cross-validated with whole classes held out.", "leak",
        ),
    ),
)  # fmt: skip
NAMES = CheckGroup(
    "names",
    "Does the text give the object away?",
    (
        CheckInfo(
            "name_in_question", "Class name in the question",
            "Whole words, case folded.", "leak",
        ),
        CheckInfo("name_in_answer", "Class name in the right option",
                  "It marks the answer.", "leak"),
        CheckInfo(
            "name_in_choice", "Class name in any option",
            "A model may pick it only because it names what it sees.",
        ),
        CheckInfo(
            "synonym_in_question", "Synonym in the question",
            "Other names that the class list knows.", "leak",
        ),
        CheckInfo("synonym_in_answer", "Synonym in the right option",
                  "It marks the answer.", "leak"),
        CheckInfo("synonym_in_choice", "Synonym in any option", "As with the name itself."),
        CheckInfo(
            "name_word_in_question", "A word of the name in the question",
            "Content words, a plural s folded away.",
        ),
    ),
)  # fmt: skip
WORDING = CheckGroup(
    "wording",
    "Are the questions sound?",
    (
        CheckInfo("conflicting_answers", "Two right answers for one question",
                  "Rows of one question disagree on the right option."),
        CheckInfo("duplicate_choices", "Equal options",
                  "Equal once case, spaces, articles and end stops are folded."),
        CheckInfo("placeholder_missing", "No “this object”",
                  "Without a placeholder the class-named form cannot be made."),
        CheckInfo("negated", "Negated questions", "not, never, except, neither, cannot, n't."),
        CheckInfo("all_or_none", "“All of the above” and its kin",
                  "Such options depend on their place and on the others."),
        CheckInfo("choices_read_as_missing", "Options that a table reader drops",
                  "pandas reads texts such as None or NA as no value, so the option vanishes."),
        CheckInfo("like_questions_and_choices_across_classes",
                  "Pairs of classes with the same question and options",
                  "Question and options alike (3-gram Jaccard at least 0.8, class names masked)."),
        CheckInfo("near_duplicate_pairs_within_class", "Like questions within a class",
                  "Pairs with like question texts (3-gram Jaccard at least 0.8)."),
        CheckInfo("near_duplicate_pairs_across_classes", "Like questions across classes",
                  "Pairs with like question texts; generic texts are how evidence gets mixed up."),
        CheckInfo("in_other_set", "Questions of another set",
                  "Looked for in --against: question and options the same or alike, or half of"
                  " the 8-grams of words shared."),
        CheckInfo("duplicate_rows", "Repeated rows", "The same question with the same image."),
        CheckInfo("items_and_questions_disagree", "Items unlike their questions",
                  "A run folder's items.jsonl and questions.jsonl say different things."),
    ),
)  # fmt: skip
EVIDENCE = CheckGroup(
    "evidence",
    "Does the evidence hold?",
    (
        CheckInfo("evidence_missing", "No evidence", "The question cites nothing."),
        CheckInfo("evidence_shared_across_classes", "Evidence shared between classes",
                  "One text cited for several classes: at most one of them can be its subject."),
        CheckInfo("evidence_without_answer", "Evidence silent on the answer",
                  "No content word of the right option occurs in it."),
        CheckInfo("evidence_not_in_page", "Evidence not in its page",
                  "Looked up in the page it names, else in its class's pages, else in all."),
    ),
)  # fmt: skip
IMAGES = CheckGroup(
    "images",
    "Do the images show the class, and were all rows read?",
    (
        CheckInfo("wrong_or_disputed_images", "Wrong or disputed images",
                  "Rows whose ReaL labels are empty or leave the class out."),
        CheckInfo("images_shared_by_questions", "Images shared by questions",
                  "Results on such questions are not independent."),
        CheckInfo("unreadable_rows", "Unreadable rows", "Rows that hold no question."),
    ),
)  # fmt: skip
GROUPS = (GUESSING, NAMES, WORDING, EVIDENCE, IMAGES)
UNEVEN_LETTERS = 0.01


def verdicts(figures: dict[str, object], letters_p: float) -> dict[str, Verdict]:
    """Return the verdict of every check on its figure: a count, an Accuracy, or None."""
    given = {}
    for check in (check for group in GROUPS for check in group.checks):
        if check.key == "letters":
            given[check.key] = _letters(letters_p)
        else:
            given[check.key] = _verdict(check, figures[check.key])
    return given


def _letters(p: float) -> Verdict:
    return "leak" if p < UNEVEN_LETTERS else "ok"


def _verdict(check: CheckInfo, figure: object) -> Verdict:
    if figure is None:
        return "not checked"
    if isinstance(figure, Accuracy):
        return figure.verdict
    return check.hit if figure else "ok"
