"""Which wiki is asked, in whose name, and how gently."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from imagewikiqa import __version__
from imagewikiqa.builders.dump import licence_at
from imagewikiqa.core.errors import ToolkitError

BATCH = 50  # titles or revisions a request, the API's limit for everyone
CONTACT_ADVICE = (
    "give --contact an e-mail address or a web page where the wiki's operators reach you, because"
    " Wikimedia blocks clients that name nobody"
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?P<host>[\w-]+(?:\.[\w-]+)+)", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,12}(?:-[a-z0-9]{1,12}){0,3}")
_PLACEHOLDER = re.compile(r"(?:.*\.)?example(?:\.(?:com|net|org))?", re.I)
# Everybody who copies a library's address shares one counter, and one block.
_LIBRARIES = re.compile(
    r"(?:www\.)?(?:pypi\.org|python-httpx\.org|python\.org|mediawiki\.org|readthedocs\.(?:io|org)|"
    r"github\.com/(?:martin-majlis|goldsmith|barrust|dijs|siznax|encode|mwclient|lehinevych)"
    r"(?:/.*)?)(?:/.*)?|.*\.readthedocs\.io(?:/.*)?",
    re.I,
)
# One operator has one allowance for all of these.
_WIKIMEDIA = re.compile(
    r"(?:.+\.)?(?:wikipedia|wikimedia|wikidata|wiktionary|wikisource|wikivoyage|wikispecies)\.org"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one machine asks of one operator, all its processes together."""

    in_flight: int = 3
    per_second: float = 3.0  # 180 a minute; Wikimedia allows an identified client 200
    maxlag: int | None = 5  # seconds of replication lag above which the wiki may refuse
    tries: int = 8  # of one request, the first included
    backoff: float = 1.0  # seconds; the n-th retry waits a random part of backoff * 2**n
    longest_backoff: float = 60.0
    pause: float = 30.0  # seconds that everyone waits after a 429 which does not say how long
    longest_pause: float = 86_400.0  # seconds; a longer one ends the run
    timeout: float = 60.0  # seconds of silence
    longest_answer: float = 600.0  # seconds; a slot is not held by a server that trickles
    max_bytes: int = 64 * 1024 * 1024  # of one response, compressed or not

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could be asked."""
        if self.in_flight < 1 or self.per_second <= 0 or self.tries < 1 or self.max_bytes < 1:
            raise ToolkitError(
                "the limits of a wiki allow no request at all: give in_flight, per_second, tries"
                " and max_bytes above zero"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A wiki behind an action API; `contact` is needed only once something must be asked of it."""

    language: str = "en"
    api: str = ""  # the language's Wikipedia when empty
    contact: str | None = field(default=None, repr=False)
    license: str = ""  # of the texts; Wikipedia's own, by date, when empty
    media_hosts: tuple[str, ...] = ()  # other hosts that requests and redirects may lead to
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        """Check what a user wrote; ToolkitError says how to write it."""
        if not _LANGUAGE.fullmatch(self.language):
            raise ToolkitError(
                f"{self.language!r} is no language of Wikipedia: give its code, as in en or pt-br"
            )
        if not self.api:
            object.__setattr__(self, "api", f"https://{self.language}.wikipedia.org/w/api.php")
        object.__setattr__(self, "api", _checked_address(self.api))
        if self.contact is not None:
            check_contact(self.contact)

    @property
    def host(self) -> str:
        """Return host and port of the API: the name under which the store files its answers."""
        return urlsplit(self.api).netloc.lower()

    @property
    def base(self) -> str:
        """Return scheme and host, as in "https://en.wikipedia.org"."""
        return f"{urlsplit(self.api).scheme}://{self.host}"

    @property
    def is_wikimedia(self) -> bool:
        """Say whether the Wikimedia Foundation runs this wiki."""
        return bool(_WIKIMEDIA.fullmatch(self.host))

    @property
    def pool(self) -> str:
        """Return the name of the allowance that requests count against: one per operator."""
        return "wikimedia" if self.is_wikimedia else self.host

    @property
    def source(self) -> str:
        """Return the `source` of its pages, as in "wikipedia:en"."""
        own = self.host == f"{self.language}.wikipedia.org"
        return f"wikipedia:{self.language}" if own else f"wiki:{self.host}"

    @property
    def user_agent(self) -> str:
        """Return the User-Agent by Wikimedia's policy; ToolkitError without a contact."""
        if self.contact is None:
            raise ToolkitError(f"{self.host} cannot be asked without a contact: {CONTACT_ADVICE}")
        return f"imagewikiqa/{__version__} ({self.contact}) python-httpx/{httpx.__version__}"

    def license_at(self, timestamp: str | None) -> str:
        """Return the licence of a text of this time (ISO 8601), "unknown" where none is known."""
        if self.license:
            return self.license
        return licence_at(timestamp) if self.host.endswith(".wikipedia.org") else "unknown"


def _checked_address(api: str) -> str:
    """Return the address of an API as it is sent: host in lower case, no port that is the usual."""
    if "@" in api:
        raise ToolkitError("the address of an API holds a password: give it without one")
    try:
        address = httpx.URL(api)
        port = urlsplit(str(address)).port or 0
    except (httpx.InvalidURL, ValueError):
        address, port = httpx.URL(), 0
    right = address.path.endswith("/api.php") and not address.query and not address.fragment
    odd = not address.host or "%" in address.host or port > 65535
    if address.scheme not in ("http", "https") or odd or not right:
        raise ToolkitError(
            f"{api[:200]!r} is no address of an action API: give one as in"
            " https://en.wikipedia.org/w/api.php"
        )
    return str(address)


def check_contact(contact: str) -> None:
    """Refuse a contact that reaches nobody: only an operator's e-mail address or page will do."""
    email = _EMAIL.fullmatch(contact)
    page = urlsplit(contact) if re.fullmatch(r"https?://[!-'*-~]{3,200}", contact) else None
    host = email["host"] if email else (page.hostname or "") if page else ""
    if not host or (page and "." not in host):
        raise ToolkitError(
            f"the contact {contact[:60]!r} is neither an e-mail address nor a web page:"
            f" {CONTACT_ADVICE}"
        )
    if _PLACEHOLDER.fullmatch(host):
        raise ToolkitError(
            f"the contact {contact[:60]!r} is a placeholder that reaches nobody: {CONTACT_ADVICE}"
        )
    if page and _LIBRARIES.fullmatch(f"{host}{page.path.rstrip('/')}"):
        raise ToolkitError(
            f"the contact {contact[:60]!r} is the page of a library, not yours: {CONTACT_ADVICE}"
        )
