"""Whatever people write as a title, a real MediaWiki's answer is filed under it, and rightly."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.builders.wiki.records import Fate

from .mediawiki import MediaWiki
from .scraping import site_at

KNOWN = ["Red panda", "lesser_panda", "Firefox (animal)", "Crane", "Loop one", "crane (bird)",
         "Talk:Red panda", "de:Hund", "Ökonomie & Söhne's \"café\""]  # fmt: skip
MARKS = "aA _#|:/.%&+?=<>[]{}~'\"\u200e\u0301\ufb01\ufeff\x00\t\n\u2028é日🐼"
TITLES = st.lists(
    st.one_of(
        st.sampled_from(KNOWN),
        st.text(alphabet=MARKS, min_size=1, max_size=12),
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
        st.tuples(st.sampled_from(KNOWN), st.text(alphabet=MARKS, max_size=3)).map("".join),
    ),
    min_size=1,
    max_size=12,
    unique=True,
)


def looked_up(wiki: MediaWiki, titles: list[str]) -> dict[str, Fate]:
    with TemporaryDirectory() as folder:
        site = site_at(wiki.api, per_second=2000.0)
        path = Path(folder)
        with open_api(site, path / "store.sqlite", limits=path / "limits") as api:
            return api.look_up(titles)


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(TITLES)
@example(["Red panda", "Red_panda", "red panda#Diet", " Red  panda "])
@example(["cafe\u0301", "caf\u00e9", "Cafe\u0301"])
@example(["A|B", "A", "B", "|", "", "\x1fA"])
@example(["Loop one", "Loop two", "Lesser panda", "Red panda"])
@example(["Special:Random", "File:X.jpg", "Media:X.jpg", "Category:Birds", ":Category:Birds"])
@example(["../a", "./", "%41", "&amp;", "a%00b", "~~~~", "x" * 256, "é" * 128])
def test_a_title_has_the_same_fate_in_company_and_alone(
    mediawiki: MediaWiki, titles: list[str]
) -> None:
    together = looked_up(mediawiki, titles)
    assert set(together) == set(titles)
    for title in titles[:4]:
        assert together[title] == looked_up(mediawiki, [title])[title]
    for title, fate in together.items():
        assert fate.asked == title
        assert (fate.page_id is None) == (fate.revision_id is None)
        if fate.is_article:
            stored = mediawiki.stored(fate.title)
            assert (fate.page_id, fate.revision_id) == (stored.page_id, stored.revision_id)
