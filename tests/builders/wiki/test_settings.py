"""A wiki is asked only in somebody's name."""

import httpx
import pytest

from imagewikiqa import __version__
from imagewikiqa.builders.wiki.settings import Limits, Site
from imagewikiqa.core.errors import ToolkitError

GOOD = (
    "a.person@lab.test",
    "team+wiki@dept.university.edu",
    "https://lab.test/wiki-client",
    "http://people.university.edu/~someone",
    "https://en.wikipedia.org/wiki/User:Someone",
    "https://github.com/somebody/experiment",
)


@pytest.mark.parametrize("contact", GOOD)
def test_the_user_agent_names_tool_version_operator_and_library(contact: str) -> None:
    agent = Site(contact=contact).user_agent
    assert agent == f"imagewikiqa/{__version__} ({contact}) python-httpx/{httpx.__version__}"


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        ("", "neither an e-mail address nor a web page"),
        ("me", "neither an e-mail address nor a web page"),
        ("me@localhost", "neither an e-mail address nor a web page"),
        ("me@lab.test\r\nX-Evil: 1", "neither an e-mail address nor a web page"),
        ("https://localhost/me", "neither an e-mail address nor a web page"),
        ("https://lab.test/(me)", "neither an e-mail address nor a web page"),
        ("ftp://lab.test/me", "neither an e-mail address nor a web page"),
        ("me@example.com", "placeholder"),
        ("me@mail.example.org", "placeholder"),
        ("https://www.example.com/me", "placeholder"),
        ("https://github.com/martin-majlis/Wikipedia-API/", "the page of a library"),
        ("https://github.com/goldsmith/Wikipedia", "the page of a library"),
        ("https://www.python-httpx.org", "the page of a library"),
        ("https://pypi.org/project/Wikipedia-API/", "the page of a library"),
        ("https://wikipedia-api.readthedocs.io/", "the page of a library"),
    ],
)
def test_a_contact_that_reaches_nobody_is_refused(contact: str, why: str) -> None:
    with pytest.raises(ToolkitError, match=why):
        Site(contact=contact)


def test_without_a_contact_there_is_no_user_agent() -> None:
    with pytest.raises(ToolkitError, match=r"en\.wikipedia\.org cannot be asked without a contact"):
        _ = Site().user_agent


def test_the_contact_is_not_printed_with_the_settings() -> None:
    assert "somebody" not in repr(Site(contact="somebody@lab.test"))


def test_a_language_has_its_wikipedia_and_its_licence_by_date() -> None:
    site = Site(language="pt")
    assert (site.api, site.source) == ("https://pt.wikipedia.org/w/api.php", "wikipedia:pt")
    assert site.license_at("2020-01-01T00:00:00Z") == "CC-BY-SA-3.0"
    assert site.license_at("2024-01-01T00:00:00Z") == "CC-BY-SA-4.0"


def test_another_wiki_has_its_own_source_and_no_guessed_licence() -> None:
    site = Site(api="http://127.0.0.1:8099/w/api.php")
    assert (site.source, site.pool) == ("wiki:127.0.0.1:8099", "127.0.0.1:8099")
    assert site.license_at("2024-01-01T00:00:00Z") == "unknown"
    assert Site(api=site.api, license="CC0-1.0").license_at(None) == "CC0-1.0"


def test_all_wikis_of_wikimedia_share_one_allowance() -> None:
    commons = Site(api="https://commons.wikimedia.org/w/api.php")
    assert Site(language="de").pool == Site().pool == commons.pool == "wikimedia"
    assert Site(api="https://notwikipedia.org/w/api.php").pool == "notwikipedia.org"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"language": "English"}, "is no language of Wikipedia"),
        ({"language": "en.evil.test/"}, "is no language of Wikipedia"),
        ({"api": "en.wikipedia.org"}, "is no address of an action API"),
        ({"api": "file:///etc/passwd"}, "is no address of an action API"),
        ({"api": "https://u:p@wiki.test/w/api.php"}, "holds a password"),
        ({"api": "https://u:p@wiki.test:x/w/api.php"}, "holds a password"),
        ({"api": "https://wiki.test:x/w/api.php"}, "is no address of an action API"),
        ({"api": "https://wiki.test:99999/w/api.php"}, "is no address of an action API"),
        ({"api": "https://[::1/w/api.php"}, "is no address of an action API"),
        ({"api": "https://wiki .test/w/api.php"}, "is no address of an action API"),
        ({"api": "https://wiki.test/w/api.php\n"}, "is no address of an action API"),
        ({"api": "https://wiki.test/w/api.php#top"}, "is no address of an action API"),
        ({"api": "https://en.wikipedia.org/wiki/"}, "is no address of an action API"),
    ],
)
def test_a_wrong_address_or_language_is_refused(changes: dict[str, str], why: str) -> None:
    with pytest.raises(ToolkitError, match=why):
        Site(**changes)  # type: ignore[arg-type]  # only texts are given


@pytest.mark.parametrize(
    ("api", "host"),
    [
        ("https://EN.wikipedia.org:443/w/api.php", "en.wikipedia.org"),
        ("http://wiki.test:/w/api.php", "wiki.test"),
        ("https://wiki.k\u00f6ln/w/api.php", "wiki.xn--kln-sna"),
        ("http://[::1]:8080/w/api.php", "[::1]:8080"),
    ],
)
def test_one_wiki_has_one_host_however_its_address_is_written(api: str, host: str) -> None:
    site = Site(api=api)
    assert site.host == host == httpx.URL(site.api).netloc.decode()


def test_the_limits_keep_below_what_wikimedia_allows() -> None:
    limits = Limits()
    assert limits.in_flight <= 3
    assert limits.per_second * 60 < 200
    with pytest.raises(ToolkitError, match="allow no request at all"):
        Limits(per_second=0)
