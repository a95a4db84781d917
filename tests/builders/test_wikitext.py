"""Wikitext becomes clean text by section, with facts and without a trace of markup."""

import html
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.defuse import MOST_UNCLOSED, defuse, unclosed_signs
from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.prepare import prepare
from imagewikiqa.builders.wikitext import CleanText, clean

# Written apart from the cleaner's own list of debris.
MARKUP = (
    "{{", "}}", "[[", "]]", "'''", "''", "<ref", "</ref", "{|", "|}", "|-", "<!--", "__TOC__",
    "&nbsp;", "<br", "<small", "<div", "<gallery", "<math", "<span", "File:", "thumb|", "\t",
)  # fmt: skip


def assert_clean(cleaned: CleanText) -> None:
    for text in (cleaned.text, *cleaned.facts, *cleaned.facts.values()):
        assert not [mark for mark in MARKUP if mark in text]
        assert unicodedata.is_normalized("NFC", text)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u00a0]", text)
    assert all("\n" not in value and value for value in cleaned.facts.values())
    last = 0
    for section in cleaned.sections:
        assert last <= section.start < section.end <= len(cleaned.text)
        body = cleaned.text[section.start : section.end]
        assert body == body.strip()
        heading = cleaned.text[last : section.start].strip().split("\n\n")[-1]
        assert heading == (section.path[-1] if section.path else "")
        last = section.end


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("{{convert|90|–|310|kg}}", "90–310 kg"),
        ("{{convert|90|-|310|kg|lb|abbr=on}}", "90–310 kg"),
        ("{{cvt|2|to|3|m|0}}", "2 to 3 m"),
        ("{{convert|20|and|30|C|F}}", "20 and 30 °C"),
        ("{{convert|3|x|6|cm|in|abbr=on}}", "3 × 6 cm"),
        ("{{convert|4|ft|by|6|ft|m}}", "4 ft by 6 ft"),
        ("{{convert|5|ft|6|in|m}}", "5 ft 6 in"),
        ("{{convert|90|kg|adj=on}}", "90-kilogram"),
        ("{{convert|5|-|7|ft|adj=mid|-long}}", "5–7-foot-long"),
        ("{{convert|1.5|e6km2|e6sqmi}}", "1.5 million km²"),
        ("{{convert|106460000|km2}}", "106,460,000 km²"),
        ("{{convert|5|m|ftin|0}}", "5 m"),
        ("{{convert|5|m|2}}", "5 m"),
        ("{{convert|5+1/2|in}}", "5 1/2 in"),
        ("{{convert|about 5|m}}", "about 5 m"),
        ("{{frac|1|2}} {{frac|3|1|2}}", "1/2 3 1/2"),
        ("{{val|1234567|u=kg}}", "1,234,567 kg"),
        ("{{val|5|0.1|e=6|u=m}}", "5±0.1×10⁶ m"),
        ("{{height|ft=5|in=10}}", "5 ft 10 in"),
        ("{{As of|2008|5}}", "As of May 2008"),
        ("{{as of|2010|lc=y}}", "as of 2010"),
        ("{{circa|1500}}; {{c.|1500|1520}}", "c. 1500; c. 1500 – c. 1520"),
        ("{{birth date|1879|3|14|df=yes}}", "14 March 1879"),
        ("{{birth date and age|1947|04|01}}", "April 1, 1947"),
        ("{{start date and age|1929|5|16}}", "May 16, 1929"),
        ("{{start date|1990}}", "1990"),
        ("{{lang|fr|chat}} ({{lang-fr|ch}}; {{langx|de|K}})", "chat (French: ch; German: K)"),
        ("a ({{IPAc-en|a}}; {{IPA|b}}) b", "a b"),
        ("{{nihongo|'''Aikido'''|合気道|Aikidō}}", "Aikido (合気道, Aikidō)"),
        ("{{transl|ja|dō}} {{native phrase|fr|Liberté}}", "dō Liberté"),
        ("{{zh|c=民航|p=mín háng}}", "Chinese: 民航; pinyin: mín háng"),
        ("{{nowrap|10 km}}, {{small|x}}, {{abbr|WHO|World Health}}", "10 km, x, WHO"),
        ("a{{nbsp}}b{{ndash}}c{{snd}}d{{spaced ndash}}e{{mdash}}f", "a b–c – d – e—f"),
        ("{{hlist|a|b}}; {{ubl|c|d}}; {{plainlist|\n* e\n* f\n}}", "a, b; c, d; e, f"),
        ("{{flatlist|\n* a\n* b\n}}", "a, b"),
        ("H<sub>2</sub>O, 10<sup>24</sup>, 19<sup>th</sup>", "H₂O, 10²⁴, 19th"),
        ("{{chem|CH|3|COOH}} {{chem2|H2SO4}}", "CH₃COOH H₂SO₄"),
        ("{{formatnum:3003}} m, {{US$|5 million}}", "3,003 m, US$5 million"),
        ("{{ill|Title|de|Titel}} {{ill|de|Titel|Title}}", "Title Title"),
        ("{{sortname|Ann|Lee}} {{keypress|Ctrl|C}}", "Ann Lee Ctrl+C"),
        ("Said:\n{{quote|Wolves sing.|Someone}}\nSo.", "Said:\n\nWolves sing.\n\nSo."),
        ("A wolf{{sfn|Doe|2001}} is{{efn|x}} wild{{ISBN|1}}.{{refn|x}}", "A wolf is wild."),
        ("{{main|Other}}\n{{see also|More}}\nWolves.", "Wolves."),
        ("a ({{IPA|/b/}}) says {{IPA|fr|[c]}}, {{IPAslink|d}}", "a says [c], /d/"),
        ("so (11{{frac|1|4}} days, {{frac|1|2}} m)", "so (11 1/4 days, 1/2 m)"),
        ("{{convert|3{{frac|1|2}}|in}}", "3 1/2 in"),
        ("as {{harvtxt|Ray|Lee|2010|p=3}} say", "as Ray & Lee (2010) say"),
        ("{{columns-list|2|\n* a\n* b\n}}", "a\nb"),
        ("{{DEFAULTSORT:Wolf}}__TOC__Wolves.", "Wolves."),
    ],
)  # fmt: skip
def test_a_template_with_meaning_shows_its_words(wikitext: str, text: str) -> None:
    assert clean(wikitext).text == text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("[[a|b]]s and [[Mercury (planet)|]]", "bs and Mercury"),
        ("[[File:x.jpg|thumb|cap [[z]] {{y}} <ref>q</ref>]]Wolves", "Wolves"),
        ("[[Datei:x.jpg|mini|ein [[Wolf]]]]Wölfe[[Kategorie:Tier]]", "Wölfe"),
        ("[[Fichier:x.jpg|vignette|un loup]]Loups[[Catégorie:Animal]]", "Loups"),
        ("Wolf[[de:Wolf]][[Category:C]] [[wikt:howl]] [[:Category:Pack]]", "Wolf howl Pack"),
        ("a [http://x.org label] [http://y.org] http://z.org b", "a label b"),
        ("Wolves<ref name=a>{{cite web|url=x}}</ref> run<ref name=a/>.", "Wolves run."),
        ("They ran.<ref>x</ref>Then they slept.", "They ran. Then they slept."),
        ("a <!-- hidden --> b\n<!-- line -->\nc", "a b c"),
        ("'''Bold''' ''it'' '''''both'''''", "Bold it both"),
        ("{|\n! h\n|-\n| cell\n|}\nAfter", "After"),
        ("<table><tr><td>x</td></tr></table>After", "After"),
        ("<gallery>\nFile:a.jpg|A wolf\n</gallery>After", "After"),
        ("x<timeline>y</timeline><score>z</score><syntaxhighlight lang=c>q</syntaxhighlight>", "x"),
        ("* one\n* two\n** three", "one\ntwo\nthree"),
        ("# one\n# two", "one\ntwo"),
        ("; term : meaning\n: indented", "term\nmeaning\nindented"),
        ("one\ntwo\n\nthree", "one two\n\nthree"),
        ("a<br>b<br />c", "a\nb\nc"),
        ("<p>a<p>b", "a\n\nb"),
        ("&nbsp;a&nbsp;&amp; b &ndash; c", "a & b – c"),
        ("<nowiki>plain</nowiki> <code>x</code>", "plain x"),
        ("Wolf ( ; ''Canis'' , ) runs , far .", "Wolf (Canis) runs, far."),
        ("It is (–5 °C) cold ( – ).", "It is (–5 °C) cold."),
        ("e\u0301t\u00e9\u200b", "été"),
        ("#REDIRECT [[Wolf]]", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_markup_goes_and_words_stay(wikitext: str, text: str) -> None:
    assert clean(wikitext).text == text


def test_a_sentence_that_lost_its_value_goes_and_its_neighbours_stay() -> None:
    text = clean(
        "It cost $5 (now {{inflation|US|5|1900}}). It is {{age|1900|1|1}} old. It runs."
    ).text
    assert text == "It cost $5. It runs."
    assert clean("So <math>\\frac{1}{2}</math> holds. And <math>n</math> too.").text == "And n too."


def test_a_sentence_with_unbalanced_markup_goes_and_its_neighbours_stay() -> None:
    text = clean("Wolves run. They [[howl at night. They {{sleep by day. Pups play.").text
    assert text == "Wolves run. Pups play."
    assert clean("Text. <ref>never closed. More.\n\nOn.").text == "Text.\n\nOn."
    assert clean("Before.\n\n{| open\n|-\n| cell\n\nAfter.").text == "Before.\n\nAfter."


def test_sections_have_spans_and_apparatus_goes_with_its_children() -> None:
    cleaned = clean(
        "Lead.\n\n== Life ==\n=== Diet ===\nDeer.\n\nHares.\n== See also ==\n* [[x]]\n"
        "=== Deeper ===\ny\n== Range ==\nTexas.\n== Empty ==\n== References ==\n{{reflist}}"
    )
    assert cleaned.text == "Lead.\n\nLife\n\nDiet\n\nDeer.\n\nHares.\n\nRange\n\nTexas."
    spans = {s.path: cleaned.text[s.start : s.end] for s in cleaned.sections}
    assert spans == {(): "Lead.", ("Life", "Diet"): "Deer.\n\nHares.", ("Range",): "Texas."}
    assert_clean(cleaned)


def test_box_fields_become_facts_and_a_block_of_text() -> None:
    cleaned = clean(
        "{{Infobox dog breed\n| name = Husky <ref>x</ref>\n| image = a.jpg\n| image_size = 200px\n"
        "| weight = {{convert|20|-|27|kg}}\n| country = [[Russia]]<br />[[United States|US]]\n"
        "| color = {{plainlist|\n* black\n* white\n}}\n| website = {{URL|x.org}}\n| patronage =\n"
        "| height_ref = {{sfn|x}}\n| map_caption = here\n| coordinates = {{coord|1|2}}\n}}\n"
        "{{Speciesbox | genus = Canis | name = Second | color = pink\n| status_ref = x}}\nLead."
    )
    assert cleaned.facts == {
        "name": "Husky",
        "weight": "20–27 kg",
        "country": "Russia, US",
        "color": "black, white",
        "genus": "Canis",
    }
    assert cleaned.text.endswith(
        "Infobox\n\n" + "\n".join(f"{k}: {v}" for k, v in cleaned.facts.items())
    )
    assert cleaned.sections[-1].path == ("Infobox",)
    assert_clean(cleaned)


def test_navigation_boxes_are_not_facts_and_generic_fields_take_their_labels() -> None:
    cleaned = clean(
        "{{Navbox | name = x | list1 = [[a]]}}{{Infobox | label1 = Colour | data1 = [[red]]}}"
        "{{taxobox | color = pink | regnum = [[Animal]]ia | range_map = b.png}}"
    )
    assert cleaned.facts == {"Colour": "red", "regnum": "Animalia"}


def test_a_french_taxobox_says_its_facts_row_by_row() -> None:
    cleaned = clean(
        "{{Taxobox début | animal | ''Vulpes vulpes'' | a.jpg | Un renard }}\n"
        "{{Taxobox | règne | Animalia }}\n{{Taxobox | famille | [[Canidae]] }}\n"
        "{{Taxobox taxon | animal | espèce | Vulpes vulpes | ([[Linné]], 1758) }}\n"
        "{{Taxobox UICN | LC }}\n{{Taxobox fin}}\nLe renard court.\n{{Taxobox | x}}"
    )
    assert cleaned.facts == {
        "règne": "Animalia",
        "famille": "Canidae",
        "espèce": "Vulpes vulpes",
    }


FRAGMENTS = [
    "{{", "}}", "[[", "]]", "'''", "''", "<ref>", "</ref>", "<ref name=x />", "{|", "|}", "|-",
    "|", "!", "==", "\n", "\n\n", " ", "* ", "# ", ": ", "; ", "word", "A wolf runs. ",
    "{{convert|3|kg}}", "{{Infobox x|a=", "[[File:a.jpg|thumb|", "[http://x.org ", "]", "<div>",
    "</div>", "<!--", "-->", "&nbsp;", "&lt;", "&#91;&#91;", "<nowiki>", "</nowiki>", "<math>",
    "</math>", "{{{1|", "}}}", "__TOC__", "<br>", "{{!}}", "{{=}}", "(", ")", ",", ".", "–",
    "\u0001", "\u0002", "\t", "\r", "é", "e\u0301", "\ud800", "{{plainlist|", "{{age}}", "<p>",
    "<li>", "{", "}", "[", "<", "thumb|", "&", "''''",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))
def test_no_mix_of_markup_leaves_markup_or_raises(wikitext: str) -> None:
    assert_clean(clean(wikitext))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_no_text_at_all_leaves_markup_or_raises(wikitext: str) -> None:
    assert_clean(clean(wikitext))


# Read to the end of the page for each opening, these would take hours.
RUNS = (
    "{{", "[[", ", ", " ", "(", "(,", "<!--", "'''", ". ", "A. ", "Mr. B ", "<!--\n", "<!-- -- > ",
    "<ref>", "<ref name=a>\n\n", '<ref name="', "<span x=", "{{{a|", "[http://a ", "[[:File:a|",
    "{{a|[[b|}}]]", "<noinclude>", "== a ==\n", "{|\n", "<math>", "<gallery>", "{{frac|1|2}}",
)  # fmt: skip


def test_a_long_page_is_read() -> None:
    page = (
        "'''Wolves''' run {{convert|3|km}} a day.<ref>{{cite web|url=x}}</ref> [[Pack]]s rest.\n\n"
    )
    assert len(clean(page * 3000).text) > 100_000


@pytest.mark.parametrize("run", RUNS)
def test_long_runs_of_markup_end(run: str) -> None:
    assert_clean(clean(run * 20_000))


def test_what_nothing_closes_is_written_as_characters_only_where_there_is_much_of_it() -> None:
    few = "{{a|" * 90 + "[[b" * 90
    assert defuse(few) == few
    for run in RUNS:
        defused = defuse(run * 2000)
        assert len(unclosed_signs(defused)) <= MOST_UNCLOSED
        assert html.unescape(defused) == run * 2000
    nested = "<ul><li>" * 2000 + "x" + "</li></ul>" * 2000
    assert html.unescape(defuse(nested)) == nested != defuse(nested)
    assert "wolf" in clean("<b><i>{{nowrap|" * 300 + "wolf" + "}}</i></b>" * 300 + "\n\nwolf").text


def test_an_open_comment_takes_the_rest_and_closed_ones_only_themselves() -> None:
    assert prepare("a<!-- b --> c<!-- d\n<!-- e") == "a c"
    assert prepare("a\n <!-- b --> \nc --> d") == "a\nc --> d"
    assert prepare("a <!--> b <!-- c --> d") == "a  d"
    assert prepare("a <!--> b") == "a "


def test_real_pages_of_two_dumps_are_clean(shared_data: Path) -> None:
    count = 0
    for dump in sorted((shared_data / "wiki_xml").glob("*.bz2")):
        for page in read_dump(dump):
            assert_clean(clean(page.wikitext))
            count += 1
    assert count == 117


def test_real_pages_in_three_languages_are_clean_and_keep_their_words(shared_data: Path) -> None:
    files = sorted((shared_data / "wikitext_pages").glob("*/*.txt"))
    assert len(files) == 42
    cleaned = {file.name: clean(file.read_text("utf-8")) for file in files}
    for page in cleaned.values():
        assert_clean(page)
    wolf = cleaned["red_wolf.txt"]
    assert (
        wolf.facts["binomial" if "binomial" in wolf.facts else "trinomial"] == "Canis lupus rufus"
    )
    assert "Litters average five pups" in wolf.text
    assert "242,500 km²" in cleaned["United-Kingdom.txt"].text
    assert "Das Holz ist langsam wachsend." in cleaned["olivenbaum.txt"].text
    assert len(cleaned["toronto.txt"].text) > 40_000
