"""A Label Studio server through its own client: each call once, and what a failure leaves open."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from imagewikiqa.core.errors import MissingExtraError, ToolkitError

if TYPE_CHECKING:
    import httpx
    from label_studio_sdk import LabelStudio
    from label_studio_sdk.core.api_error import ApiError

T = TypeVar("T")
PAGE = 250  # tasks listed at once
ONCE: Any = {"max_retries": 0}  # a call that writes is never repeated by itself
TOKEN = "LABEL_STUDIO_API_KEY"  # noqa: S105


class UnsureError(Exception):
    """A call broke off: the server may have done what was asked, or may do it yet."""


class Server:
    """The calls a round needs. No token is in any message of its errors."""

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float = 120.0,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._client, self._http = _connect(self.url, token, timeout, transport)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def projects(self) -> Iterator[dict[str, Any]]:
        """Yield id, title, description and counts of every project."""
        pager: Any = self._ask(lambda: self._client.projects.list(page_size=PAGE))
        yield from self._items(pager)

    def project(self, project: int) -> dict[str, Any] | None:
        """Return a project's settings and counts; None when there is none."""
        from label_studio_sdk.core.api_error import ApiError

        def get() -> Any:
            try:
                return self._client.projects.get(id=project)
            except ApiError as error:
                if error.status_code == 404:
                    return None
                raise

        found = self._ask(get)
        return None if found is None else found.dict()

    def create_project(self, **fields: Any) -> int:
        """Create a project and return its id. Raises UnsureError when it broke off."""
        made: Any = self._ask(lambda: self._client.projects.create(**fields, request_options=ONCE))
        return int(made.id)

    def update_project(self, project: int, **fields: Any) -> None:
        """Set fields of a project."""
        self._ask(lambda: self._client.projects.update(id=project, **fields, request_options=ONCE))

    def tasks(self, project: int, *, annotations: bool = False) -> Iterator[dict[str, Any]]:
        """Yield the tasks of a project by id: id, data and how often each was answered.

        With `annotations` also each annotation as the server keeps it.
        """
        wanted = "id,data,total_annotations,cancelled_annotations"
        if annotations:
            wanted += ",annotations,completed_by,lead_time,result,updated_at,was_cancelled"

        def listed() -> Any:
            return self._client.tasks.list(
                project=project,
                fields="all" if annotations else "task_only",
                include=wanted,
                resolve_uri=False,
                page_size=PAGE,
            )

        yield from self._items(self._ask(listed))

    def import_tasks(self, project: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add tasks once. Raises UnsureError when it broke off: never call it again unlisted."""
        body: Any = [{"data": row} for row in rows]
        self._ask(
            lambda: self._client.projects.import_tasks(
                id=project, request=body, request_options=ONCE
            )
        )

    def delete_task(self, task: int) -> None:
        """Delete a task; one that is gone already is deleted."""
        from label_studio_sdk.core.api_error import ApiError

        def delete() -> None:
            try:
                self._client.tasks.delete(id=str(task), request_options=ONCE)
            except ApiError as error:
                if error.status_code != 404:
                    raise

        self._ask(delete)

    def local_storages(self, project: int) -> list[str]:
        """Return the folders of the server that a project may show files of."""
        found = self._ask(lambda: self._client.import_storage.local.list(project=project))
        return [str(one.path) for one in found]

    def add_local_storage(self, project: int, path: str) -> None:
        """Let a project show the files of a folder of the server."""
        self._ask(
            lambda: self._client.import_storage.local.create(
                project=project,
                path=path,
                use_blob_urls=True,
                title="pictures",
                request_options=ONCE,
            )  # fmt: skip
        )

    def users(self) -> dict[str, int]:
        """Return the account ids by e-mail address, in lower case."""
        found = self._ask(lambda: self._client.users.list())
        return {str(one.email).lower(): int(one.id) for one in found if one.email and one.id}

    def get(self, path: str, **headers: str) -> "httpx.Response":
        """Return the answer to a plain request of this server, with the token."""
        return self._ask(lambda: self._http.get(self.url + path, headers=self._headers(headers)))

    def post_form(self, path: str, form: Mapping[str, str]) -> "httpx.Response":
        """Return the answer to a form, with the token; whatever its status."""
        address, headers = self.url + path, self._headers({})
        return self._ask(lambda: self._http.post(address, data=dict(form), headers=headers))

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**self._client._client_wrapper.get_headers(), **more}

    def _items(self, pager: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages; the page after the last is not there to be asked for."""
        seen = 0
        while True:
            for item in pager.items or ():
                yield item if isinstance(item, dict) else item.dict()
            seen += len(pager.items or ())
            answer = pager.response
            total = answer.count if hasattr(answer, "count") else answer.total
            if not pager.items or seen >= total:
                return
            pager = self._ask(pager.get_next)

    def _ask(self, call: Callable[[], T]) -> T:
        import httpx
        from label_studio_sdk.core.api_error import ApiError

        try:
            return call()
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ToolkitError(
                f"no server answers at {self.url}: start it, or correct --url"
            ) from error
        except (httpx.TransportError, json.JSONDecodeError) as error:
            raise UnsureError(f"the call broke off ({type(error).__name__})") from error
        except ApiError as error:
            raise self._explained(error) from None  # its own text holds headers and cookies

    def _explained(self, error: "ApiError") -> Exception:
        """Return what a refusal means: the user's to correct, or a server in trouble."""
        status = error.status_code or 0
        if status in (401, 403):
            return ToolkitError(
                f"{self.url} refuses the token ({status}): make a personal access token in your "
                f"account's settings there and put it into {TOKEN}"
            )
        if status >= 500 or status in (408, 429):
            return UnsureError(f"the server answered {status}")
        body = error.body if isinstance(error.body, dict) else {}
        why = body.get("validation_errors") or body.get("detail") or "no reason given"
        return ToolkitError(
            f"{self.url} refused a call ({status}: {str(why)[:300]}): run imagewikiqa verify "
            "doctor to see whether the server is one this version can work with"
        )


def _connect(
    url: str, token: str, timeout: float, transport: "httpx.BaseTransport | None"
) -> "tuple[LabelStudio, httpx.Client]":
    """Return the package's client over a connection of ours, which follows no redirect."""
    import httpx

    try:
        from label_studio_sdk import LabelStudio
        from label_studio_sdk.core.api_error import ApiError
    except ImportError as error:
        raise MissingExtraError("label-studio-sdk", "verify") from error
    http = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False)
    try:
        made = LabelStudio(base_url=url, api_key=token, httpx_client=http)  # type: ignore[no-untyped-call]
        return made, http
    except ApiError:
        http.close()
        raise ToolkitError(
            f"the token in {TOKEN} has expired: make a new personal access token in your "
            "account's settings on the server"
        ) from None
