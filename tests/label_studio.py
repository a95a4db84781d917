"""One real Label Studio server for all tests, over a data folder of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imagewikiqa.core.cache import user_cache
from imagewikiqa.qa.label_studio.environment import Environment, environment
from imagewikiqa.qa.label_studio.people import (
    Account,
    access_token,
    invite_path,
    readable_password,
    sign_up,
)
from imagewikiqa.qa.label_studio.process import running_server

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio


@dataclass(frozen=True, slots=True)
class Running:
    """A server and the token of its administrator."""

    url: str
    token: str
    account: Account
    media_root: Path  # below which it may show pictures

    def client(self, token: str | None = None) -> "LabelStudio":
        """Return the package's own client, of the administrator unless another token is given."""
        from label_studio_sdk import LabelStudio

        return LabelStudio(base_url=self.url, api_key=token or self.token)  # type: ignore[no-untyped-call]

    def projects(self) -> list[dict[str, Any]]:
        """Return the settings of every project."""
        found: Any = self.client().projects.list(page_size=1000)
        return [one.dict() for one in found.items or ()]

    def annotate(self, task: int, result: list[dict[str, Any]], token: str | None = None) -> None:
        """Answer a task over the API, as a program may."""
        self.client(token).annotations.create(id=task, result=result, lead_time=1.5)

    def change(self, task: int, data: dict[str, Any]) -> None:
        """Change a task's data, as an administrator may."""
        self.client().tasks.update(id=str(task), data=data)

    def rater(self, name: str) -> tuple[Account, str]:
        """Return the account and token of a rater, made by the invitation link."""
        account = Account(f"{name}@example.com", readable_password())
        sign_up(self.url, invite_path(self.url, self.token), account)
        return account, access_token(self.url, account)


@pytest.fixture(scope="session")
def server_environment() -> Environment:
    """Return the environment of the server; skip where it is not installed."""
    place = environment(user_cache())
    if not place.installed:
        pytest.skip("needs the Label Studio server that .ci/label_studio.sh installs")
    return place


@pytest.fixture(scope="session")
def label_studio(
    server_environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Return a running server; it may show pictures below `media` of its folder."""
    folder = tmp_path_factory.mktemp("label-studio")
    (folder / "media").mkdir()
    with running_server(server_environment, folder / "data", media_root=folder / "media") as server:
        account = Account(server.email, server.password)
        token = access_token(server.url, account)
        yield Running(server.url, token, account, folder / "media")
