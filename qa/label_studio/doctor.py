"""Looks at a server before people work on it: one sentence for each finding."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.label_studio.client import Server, UnsureError

OLDEST = (1, 23)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_INSIDE = "http://127.0.0.1:9/"  # where no service listens


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do about a bad or doubtful one."""

    level: Literal["good", "doubtful", "bad"]
    what: str
    advice: str = ""


def examine(url: str, token: str | None) -> Iterator[Finding]:
    """Yield what is found about a server; what needs an account is left out without a token."""
    with httpx.Client(base_url=url, timeout=30, follow_redirects=False) as web:
        try:
            version = web.get("/api/version")
        except httpx.HTTPError as error:
            yield Finding("bad", f"No server answers at {url} ({type(error).__name__}).",
                          "Start it, or correct --url.")  # fmt: skip
            return
        found = _version(version)
        if found is None:
            yield Finding("bad", f"What answers at {url} is no Label Studio.", "Correct --url.")
            return
        yield _edition(found)
        yield _encrypted(url)
        yield _sign_up(web)
    if token is None:
        yield Finding("doubtful", "No token is set, so only the outside was looked at.",
                      "Put a personal access token into LABEL_STUDIO_API_KEY.")  # fmt: skip
        return
    yield from _inside(url, token)


def _inside(url: str, token: str) -> Iterator[Finding]:
    yield _kind_of_token(token)
    try:
        server = Server(url, token, timeout=30)
    except ToolkitError as error:
        yield Finding("bad", str(error), "Make a new token.")
        return
    try:
        projects = list(server.projects())
        yield Finding("good", f"The token works; it sees {len(projects)} projects.")
        yield _legacy_tokens(server)
        yield _ssrf(server)
    except (ToolkitError, UnsureError) as error:
        yield Finding("bad", f"{error}.", "Correct that and run doctor again.")
    finally:
        server.close()
    yield Finding(
        "doubtful",
        "In the Community edition every account can open every project, so raters could look at "
        "each other's answers.",
        "Give each rater only the link to their own project and ask them not to look around.",
    )


def _version(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) and "release" in found else None


def _edition(found: dict[str, Any]) -> Finding:
    release = str(found.get("release"))
    edition = str(found.get("edition", "Community"))
    numbers = tuple(int(part) for part in release.split(".")[:2] if part.isdigit())
    if edition.lower() != "community":
        return Finding("doubtful", f"This is Label Studio {release}, {edition} edition.",
                       "Rounds are tested with Community 1.23: try a small one.")  # fmt: skip
    if numbers < OLDEST:
        return Finding("doubtful", f"This is Label Studio {release}, older than 1.23.",
                       "Update it: pip install --upgrade label-studio.")  # fmt: skip
    return Finding("good", f"This is Label Studio {release}, Community edition.")


def _encrypted(url: str) -> Finding:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return Finding("good", "The connection is encrypted.")
    if parts.hostname in _LOOPBACK:
        return Finding("good", "The server is on this machine, nothing crosses a network.")
    return Finding("bad", "Passwords and answers cross the network in clear.",
                   "Put the server behind https, or reach it by an ssh tunnel.")  # fmt: skip


def _sign_up(web: httpx.Client) -> Finding:
    """Send an empty sign-up form: a closed server refuses it, an open one asks for an address."""
    answer = _empty_form(web, "/user/signup/")
    if answer == 200:
        return Finding("bad", "Anybody who reaches the server can sign up and see all projects.",
                       "Start it with LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK=true.")  # fmt: skip
    # A proxy that breaks forms would make it refuse every form, so one that it takes is tried too.
    if answer == 403 and _empty_form(web, "/user/login/") == 200:
        return Finding("good", "Nobody can sign up without an invitation.")
    return Finding("doubtful", f"Whether anybody can sign up does not show (it answers {answer}).",
                   "Look at its sign-up page; behind a proxy, set CSRF_TRUSTED_ORIGINS and "
                   "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK=true.")  # fmt: skip


def _empty_form(web: httpx.Client, path: str) -> int:
    """Return the status that answers a form without content, sent as a browser would."""
    web.get(path)
    form = {"csrfmiddlewaretoken": web.cookies.get("csrftoken", ""), "email": "", "password": ""}
    referer = {"Referer": str(web.base_url.join(path))}
    return web.post(path, data=form, headers=referer).status_code


def _kind_of_token(token: str) -> Finding:
    if token.count(".") == 2:
        return Finding("good", "The token is a personal access token.")
    return Finding("bad", "The token is a legacy token, which never expires.",
                   "Make a personal access token in your account's settings.")  # fmt: skip


def _legacy_tokens(server: Server) -> Finding:
    settings = server.get("/api/jwt/settings").json()
    if settings.get("legacy_api_tokens_enabled"):
        return Finding("bad", "Legacy tokens, which never expire, are accepted.",
                       "Turn them off on the Organization page, API Tokens Settings.")  # fmt: skip
    return Finding("good", "Legacy tokens are not accepted.")


def _ssrf(server: Server) -> Finding:
    """Offer a webhook to its own machine that names no known action, so that none is ever made.

    The address is looked at first: where addresses inside are refused, the answer says so.
    """
    said = server.post_form("/api/webhooks/", {"url": _INSIDE, "actions": "none"})
    if said.status_code == 403 and "network address" in said.text:
        return Finding("good", "It does not fetch addresses of its own network.")
    if said.status_code == 400 and "actions" in said.text:
        return Finding("bad", "It fetches addresses of its own network for any account (SSRF).",
                       "Start it with SSRF_PROTECTION_ENABLED=true.")  # fmt: skip
    return Finding("doubtful",
                   "Whether it fetches addresses of its own network (SSRF) does not show "
                   f"(it answers {said.status_code}).",
                   "Make sure that it was started with SSRF_PROTECTION_ENABLED=true.")  # fmt: skip
