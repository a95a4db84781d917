"""Which licences are taken, and what is refused for which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.commons.licences import licence_of
from imagewikiqa.builders.commons.refusal import RefusedError

PAGE = "https://commons.wikimedia.org/wiki/File:X.jpg"
CC = "https://creativecommons.org"


def said(name: str, code: str = "", url: str = "", **more: str) -> dict[str, str]:
    return {"LicenseShortName": name, "License": code, "LicenseUrl": url, **more}


TAKEN = [
    (said("CC BY-SA 4.0", "cc-by-sa-4.0", f"{CC}/licenses/by-sa/4.0"),
     "CC-BY-SA-4.0", f"{CC}/licenses/by-sa/4.0/"),
    (said("CC BY 2.0", "cc-by-2.0", f"{CC}/licenses/by/2.0/deed.en"),
     "CC-BY-2.0", f"{CC}/licenses/by/2.0/"),
    (said("CC BY-SA 3.0 de", "cc-by-sa-3.0-de", f"{CC}/licenses/by-sa/3.0/de/deed.en"),
     "CC-BY-SA-3.0-DE", f"{CC}/licenses/by-sa/3.0/de/"),
    (said("CC BY-SA 4.0-3.0-2.5-2.0-1.0", "cc-by-sa-4.0,3.0,2.5,2.0,1.0",
          f"{CC}/licenses/by-sa/4.0/"), "CC-BY-SA-4.0", f"{CC}/licenses/by-sa/4.0/"),
    (said("CC BY-SA 2.5,2.0,1.0"), "CC-BY-SA-2.5", f"{CC}/licenses/by-sa/2.5/"),
    (said("CC0", "cc0", f"{CC}/publicdomain/zero/1.0/deed.en"),
     "CC0-1.0", f"{CC}/publicdomain/zero/1.0/"),
    (said("Public domain", "pd"), "public-domain", PAGE),
    (said("Public domain", "pd", f"{CC}/publicdomain/mark/1.0/"), "public-domain", PAGE),
    (said("Public domain", "pd", "https://www.usa.gov/government-works"), "public-domain", PAGE),
    (said("<b>CC BY 3.0</b>", "cc-by-3.0", f"//{CC[8:]}/licenses/by/3.0"),
     "CC-BY-3.0", f"{CC}/licenses/by/3.0/"),
]  # fmt: skip


@pytest.mark.parametrize(("given_words", "identity", "url"), TAKEN)
def test_free_licences_are_taken_with_the_address_of_their_terms(
    given_words: dict[str, str], identity: str, url: str
) -> None:
    licence = licence_of(given_words, PAGE)
    assert (licence.id, licence.url) == (identity, url)
    assert licence.attribution_required == identity.startswith("CC-BY")


REFUSED = [
    (said("CC BY-NC 4.0", "cc-by-nc-4.0"), "not free"),
    (said("CC BY-NC-SA 2.0"), "not free"),
    (said("CC BY-ND 2.0", "", f"{CC}/licenses/by-nd/2.0/"), "not free"),
    (said("CC BY 4.0", "cc-by-4.0", f"{CC}/licenses/by-nc/4.0/"), "not free"),
    (said("CC BY 4.0", UsageTerms="Creative Commons Attribution NonCommercial"), "not free"),
    (said("Fair use"), "not free"),
    (said("CC BY 4.0", NonFree="true"), "not free"),
    (said("CC BY-SA 4.0", DeletionReason="no source"), "nominated for deletion"),
    (said("GFDL", "gfdl"), "licence not on the list"),
    (said("FAL"), "licence not on the list"),
    (said("Copyrighted free use"), "licence not on the list"),
    (said("No restrictions"), "licence not on the list"),
    (said("Attribution"), "licence not on the list"),
    (said("CC BY-SA"), "licence not on the list"),
    (said("CC BY 9.9"), "licence not on the list"),
    (said("MIT"), "licence not on the list"),
    (said(""), "no licence stated"),
    ({}, "no licence stated"),
    (said("CC BY 4.0", "cc-by-sa-4.0"), "licence contradicts itself"),
    (said("CC BY-SA 3.0", "", f"{CC}/licenses/by-sa/2.0"), "licence contradicts itself"),
    (said("CC BY-SA 3.0 de", "cc-by-sa-3.0-at"), "licence contradicts itself"),
    (said("CC BY 4.0", "", f"{CC}.evil.test/licenses/by/4.0"), "licence contradicts itself"),
    (said("CC BY 4.0", "", "https://evil.test/"), "licence contradicts itself"),
    (said("Public domain", "cc-by-4.0"), "licence contradicts itself"),
    (said("CC0", "cc0", f"{CC}/licenses/by/4.0"), "licence contradicts itself"),
]  # fmt: skip


@pytest.mark.parametrize(("given_words", "reason"), REFUSED)
def test_everything_else_is_refused_with_its_reason(
    given_words: dict[str, str], reason: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        licence_of(given_words, PAGE)
    assert refused.value.reason == reason


FIELDS = st.sampled_from(["LicenseShortName", "License", "LicenseUrl", "UsageTerms"])
WORDS = st.one_of(st.text(), st.from_regex(r"cc[ -]by(-sa|-nc|-nd)?[ -][1-4]\.0", fullmatch=True))


@given(st.dictionaries(FIELDS, WORDS))
def test_whatever_is_stated_gives_a_known_licence_or_a_refusal(words: dict[str, str]) -> None:
    try:
        licence = licence_of(words, PAGE)
    except RefusedError:
        return
    assert licence.id.startswith(("CC-BY-", "CC0-1.0", "public-domain"))
    everything = " ".join(words.values()).lower()
    assert "-nc" not in everything and "-nd" not in everything
