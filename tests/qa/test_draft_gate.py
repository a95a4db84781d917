"""The gate over drafts: names what to repair or drop, and is what select drops."""

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import Draft
from imagewikiqa.qa.draft_gate import gate_drops
from imagewikiqa.qa.select import SelectSettings, select
from tests.qa.test_select import draft, judged


def numbered(number: int, right: bool) -> Draft:
    """Return a draft of options of one length; the right one alone holds a number, or none."""
    mark = text_digest(str(number)).translate(str.maketrans("0123456789", "ghijklmnop"))
    texts = [mark[at : at + 12] for at in range(0, 48, 12)]
    texts[0 if right else 1 + number % 3] = f"{mark[48:57]} 12"
    return draft(number, f"c{number % 90}", options=(texts[0], texts[1], texts[2], texts[3]))


def test_a_plain_set_loses_nothing() -> None:
    assert gate_drops([numbered(at, right=at % 4 == 0) for at in range(120)]) == {}
    assert gate_drops([]) == {}


def test_what_gives_itself_away_is_named_in_any_order() -> None:
    drafts = [numbered(at, right=at % 5 < 3) for at in range(240)]
    drops = gate_drops(drafts)
    assert drops == gate_drops(drafts[::-1])
    assert len(drops) > 80
    telling = {one.id for one in drafts if "12" in one.choices[0].text}
    assert len(telling & set(drops)) > 0.95 * len(drops)
    left = [one for one in drafts if one.id not in drops]
    assert gate_drops(left) == {}


def test_select_drops_what_no_habit_sees() -> None:
    drafts = [numbered(at, right=at % 5 < 3) for at in range(240)]
    kept, rejects = select(drafts, judged(drafts), {}, SelectSettings(form_cap=1.0))
    assert gate_drops(kept) == {}
    shares = [one for one in kept if "12" in one.choices[0].text]
    assert 0.1 < len(shares) / len(kept) < 0.4
    assert len(kept) + len(rejects) == len(drafts)
