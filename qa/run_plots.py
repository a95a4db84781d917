"""The plots of a run report: letters, lengths, guessing, questions per class, forms."""

from collections import Counter

from imagewikiqa.core.report.plots import bar_chart, interval_chart
from imagewikiqa.qa.run_facts import (
    RunFacts,
    form_counts,
    judge_rates,
    length_ranks,
    letter_counts,
    per_class,
)
from imagewikiqa.qa.run_judges import bias_plot
from imagewikiqa.qa.surface import longest_accuracy, shortest_accuracy

FORMS_SHOWN = 14
MANY = 12  # questions of one class; more share a bar
RANKS = ("Longest", "Second", "Third", "Shortest")


def run_plots(facts: RunFacts) -> dict[str, tuple[str, str]]:
    """Return each plot's name, SVG and caption; no plots without questions."""
    if not facts.questions:
        return {}
    letters, total = letter_counts(facts), len(facts.questions)
    shares = [round(100 * share, 1) for share in length_ranks(facts)]
    drawn = {
        "letters": (
            bar_chart(list(letters), list(letters.values()), "questions", total / 4),
            "How often each letter is right. Dashed: equal shares.",
        ),
        "lengths": (
            bar_chart(RANKS, shares, "% of questions", 25),
            "Where the right option stands when a question's options are sorted by length; equal"
            " lengths share their places. Dashed: equal shares.",
        ),
        "guessing": _guessing(facts),
        "per_class": _per_class(facts),
    }
    if facts.bias:
        drawn["positions"] = bias_plot(facts)
    if forms := form_counts(facts):
        shown = forms[:FORMS_SHOWN]
        labels = [form.replace("_", " ") for form, _ in shown]
        drawn["forms"] = (
            bar_chart(labels, [count for _, count in shown], "questions"),
            f"{_which(len(forms))}. The most frequent one makes "
            f"{100 * forms[0][1] / total:.1f}% of the set.",
        )
    return drawn


def _which(forms: int) -> str:
    if forms > FORMS_SHOWN:
        return f"The {FORMS_SHOWN} most frequent of {forms} question forms"
    return f"All {forms} question forms" if forms > 1 else "The one question form"


def _guessing(facts: RunFacts) -> tuple[str, str]:
    rates = {
        "Longest option": longest_accuracy(facts.questions),
        "Shortest option": shortest_accuracy(facts.questions),
    }
    for judge, found in judge_rates(facts).items():
        if "closed_book" in found:
            rates[f"Most common value ({judge})"] = found["closed_book"]
        rates[f"Without the name ({judge})"] = found["without_name"]
    return (
        interval_chart(list(rates), list(rates.values()), "right, % of questions", 0.25),
        "How often guessers that do not know the class are right, with 95% intervals clustered by"
        " class. Dashed: chance. The filter drops what its judge guesses, so the judge lies below.",
    )


def _per_class(facts: RunFacts) -> tuple[str, str]:
    sizes = Counter(min(count, MANY) for count in per_class(facts).values())
    steps = range(1, max(sizes) + 1)
    labels = [f"{MANY} or more" if n == MANY else f"{n} question{'s' * (n > 1)}" for n in steps]
    return (
        bar_chart(labels, [sizes[n] for n in steps], "classes"),
        "How many classes have how many questions.",
    )
