"""Accounts are made as a person makes them, and a new token ends the earlier one."""

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.label_studio.client import Server
from imagewikiqa.qa.label_studio.people import (
    Account,
    access_token,
    invite_path,
    readable_password,
    sign_up,
)
from tests.label_studio import Running


def test_a_rater_signs_up_by_invitation_and_can_be_told_apart(label_studio: Running) -> None:
    account, token = label_studio.rater("people-one")
    server = Server(label_studio.url, token)
    assert account.email in server.users()
    server.close()


def test_signing_up_twice_leaves_the_account_as_it_is(label_studio: Running) -> None:
    account, _ = label_studio.rater("people-two")
    invitation = invite_path(label_studio.url, label_studio.token)
    sign_up(label_studio.url, invitation, account)
    with pytest.raises(ToolkitError, match="another password"):
        sign_up(label_studio.url, invitation, Account(account.email, readable_password()))


def test_without_the_invitation_nobody_signs_up(label_studio: Running) -> None:
    account = Account("stranger@example.com", readable_password())
    with pytest.raises(ToolkitError, match="makes no account"):
        sign_up(label_studio.url, "/user/signup/", account)


def test_a_new_token_ends_the_earlier_one(label_studio: Running) -> None:
    account, earlier = label_studio.rater("people-three")
    later = access_token(label_studio.url, account)
    server = Server(label_studio.url, later)
    list(server.projects())
    server.close()
    server = Server(label_studio.url, earlier)
    with pytest.raises(ToolkitError, match="refuses the token") as caught:
        list(server.projects())
    server.close()
    assert earlier not in str(caught.value) and later not in str(caught.value)


def test_a_wrong_password_is_one_sentence(label_studio: Running) -> None:
    with pytest.raises(ToolkitError, match="refuses the login"):
        access_token(label_studio.url, Account(label_studio.account.email, "wrong"))


def test_passwords_differ_and_can_be_typed() -> None:
    made = {readable_password() for _ in range(100)}
    assert len(made) == 100 and all(len(one) == 14 and one.isascii() for one in made)
