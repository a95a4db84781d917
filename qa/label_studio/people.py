"""Accounts and tokens on a server of ours, made as a person makes them: no back door is needed."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from imagewikiqa.core.errors import ToolkitError

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike


@dataclass(frozen=True, slots=True)
class Account:
    """What a person logs in with."""

    email: str
    password: str


def readable_password() -> str:
    """Return a password that can be typed on a phone: 60 bits in groups of four."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def access_token(url: str, account: Account) -> str:
    """Return a personal access token of an account: the server shows it once, so it is new.

    An earlier token of the account stops working. Raises ToolkitError when the login is refused.
    """
    with httpx.Client(base_url=url, timeout=60) as session:
        if not _submit(session, "/user/login/", account):
            raise ToolkitError(f"{url} refuses the login of {account.email}")
        headers = {"X-CSRFToken": session.cookies["csrftoken"], "Referer": url}
        for earlier in session.get("/api/token/").json():
            session.post(
                "/api/token/blacklist/", headers=headers, json={"refresh": earlier["token"]}
            )
        answer = session.post("/api/token/", headers=headers)
        token = _json(answer).get("token")
        if not isinstance(token, str):
            raise ToolkitError(f"{url} gives {account.email} no token ({answer.status_code})")
        return token


def invite_path(url: str, token: str) -> str:
    """Return the path of the sign-up page that lets people in, which only an account can see."""
    with httpx.Client(base_url=url, timeout=60) as client:
        bearer = client.post("/api/token/refresh/", json={"refresh": token})
        headers = {"Authorization": f"Bearer {_json(bearer).get('access')}"}
        found = _json(client.get("/api/invite", headers=headers)).get("invite_url")
    if not isinstance(found, str):
        raise ToolkitError(f"{url} gives no invitation: is the token an administrator's?")
    parts = urlsplit(found)
    return f"{parts.path}?{parts.query}"


def sign_up(url: str, invitation: str, account: Account) -> None:
    """Make an account; one that is there and takes the password is left as it is."""
    with httpx.Client(base_url=url, timeout=60) as session:
        if _submit(session, invitation, account):
            return
    with httpx.Client(base_url=url, timeout=60) as session:
        if not _submit(session, "/user/login/", account):
            raise ToolkitError(
                f"{url} makes no account {account.email}: it is there with another password, or "
                "the server does not take this address"
            )


def _submit(session: httpx.Client, path: str, account: Account) -> bool:
    """Send a form as a browser would; a form that was not taken comes back with status 200."""
    session.get(path)
    form = {
        "csrfmiddlewaretoken": session.cookies.get("csrftoken", ""),
        "email": account.email,
        "password": account.password,
    }
    referer = {"Referer": str(session.base_url.join(path))}
    return session.post(path, data=form, headers=referer).status_code == 302


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
