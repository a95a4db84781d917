"""Where raters' browsers find the pictures of a round, and whether they really do."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.qa.rounds.plan import MEDIA
from imagewikiqa.qa.rounds.records import Task

HAVE = "have: embed, local:FOLDER (below the server's document root), http(s)://HOST/FOLDER"
_AT_ONCE = 8
Fetch = Callable[[str], httpx.Response]  # an address as the task holds it -> the answer


@dataclass(frozen=True, slots=True)
class Pictures:
    """How the pictures of a round reach a browser: in the task, from the server, from the web."""

    spec: str
    folder: Path  # of the round

    def __post_init__(self) -> None:
        if self.spec != "embed" and not self.local and urlsplit(self.spec).scheme not in _WEB:
            raise ToolkitError(f"--media cannot be {self.spec!r}; {HAVE}")

    @property
    def local(self) -> str | None:
        """Return the folder below the server's document root; None for other ways."""
        kind, _, folder = self.spec.partition(":")
        return folder.strip("/") if kind == "local" and folder else None

    @property
    def on_the_web(self) -> bool:
        """Return whether browsers load the pictures from another host than the server."""
        return self.spec != "embed" and self.local is None

    def address(self, task: Task) -> str | None:
        """Return the address of a task's picture; None for a task without one."""
        return None if task.media is None else self.address_of(task.media)

    def address_of(self, name: str) -> str:
        """Return the address of one file of media/."""
        if self.spec == "embed":
            data = b64encode((self.folder / MEDIA / name).read_bytes()).decode()
            return f"data:image/jpeg;base64,{data}"
        if self.local:
            return f"/data/local-files/?d={quote(f'{self.local}/{name}')}"
        return f"{self.spec.rstrip('/')}/{name}"

    def check(self, names: Iterable[str], fetch: Fetch, origin: str) -> None:
        """Load every picture as a browser would. Raises ToolkitError for the first that fails."""
        if self.spec == "embed":
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda name: (name, self._fault(name, fetch, origin)), sorted(names))
            for name, fault in found:
                if fault:
                    pool.shutdown(cancel_futures=True)
                    raise ToolkitError(f"the picture {self.address_of(name)} {fault}")

    def _fault(self, name: str, fetch: Fetch, origin: str) -> str | None:
        """Return what is wrong with one address, and what to do; None when it is sound."""
        try:
            answer = fetch(self.address_of(name))
        except httpx.HTTPError as error:
            return f"cannot be loaded ({type(error).__name__}): check --media"
        place = self.folder / MEDIA
        if answer.status_code != 200:
            where = (
                "is the folder below the server's document root, and is local file serving on?"
                if self.local
                else f"copy {place} there and check --media"
            )
            return f"answers {answer.status_code}: {where}"
        with explained(place / name, "read", "round folder"):
            same = (place / name).read_bytes() == answer.content
        if not same:
            found = hashlib.sha256(answer.content).hexdigest()[:12]
            return f"gives other bytes (sha256 {found}...): copy {place} there again"
        allowed = answer.headers.get("access-control-allow-origin")
        if self.on_the_web and allowed not in ("*", origin):
            return f"sends no Access-Control-Allow-Origin for {origin}: browsers will not show it"
        return None


_WEB = ("http", "https")
