"""A Wikipedia and a Commons on one strict server of this machine, with files that are served."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

from tests.builders.wiki import strict_server
from tests.builders.wiki.action_answer import TOKENS, Answered, ApiError, limit_of
from tests.builders.wiki.action_api import Site
from tests.builders.wiki.referee import Parameters, Rules
from tests.builders.wiki.site_pages import SitePage

_FILE = re.compile(r"\[\[File:([^\]|\n]+)")
_AWAY = re.compile(r"\[\[commons:([^\]|\n]+)")
MEDIA = "/media/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonsFile:
    """A file of Commons: its bytes, and what its page says about it, as extmetadata."""

    title: str
    data: bytes
    width: int
    height: int
    said: dict[str, Any] | None = field(default_factory=dict)
    mime: str = "image/jpeg"
    categories: tuple[str, ...] = ()
    thumb: bytes | None = None  # what a smaller picture of it is
    redirect: str = ""
    served: bytes | None = None  # other bytes than those whose sha1 is published
    info: dict[str, Any] = field(default_factory=dict)  # overrides of what is answered

    @property
    def name(self) -> str:
        """Return the last part of its address."""
        return quote(self.title.partition(":")[2].replace(" ", "_"), safe="")


class CommonsSite(Site):
    """Articles and files; `files_a_reply` of a request are described, the rest is continued."""

    def __init__(
        self,
        articles: Iterable[SitePage],
        files: Iterable[CommonsFile],
        *,
        files_a_reply: int = 500,
    ) -> None:
        self.files = {one.title: one for one in files}
        self.files_a_reply = files_a_reply
        self.base = ""  # scheme and host, known once it is served
        pages = [_page(number, one) for number, one in enumerate(self.files.values())]
        super().__init__([*articles, *pages])
        self._props |= {
            "images": self._images,
            "pageimages": self._pageimages,
            "imageinfo": self._imageinfo,
            "iwlinks": self._iwlinks,
        }

    def _images(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        pairs = ((page, name) for page in answered.pages for name in images_of(page))
        items = ((page, name, {"ns": 6, "title": f"File:{name}"}) for page, name in pairs)
        self._items("im", "images", parameters, answered, items, found)

    def _pageimages(
        self, parameters: Parameters, answered: Answered, found: dict[int, Any]
    ) -> None:
        for page in answered.pages:
            names = _FILE.findall(page.wikitext)
            if names:
                found[page.page_id]["pageimage"] = names[0].strip().replace(" ", "_")

    def _iwlinks(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        pairs = ((page, name) for page in answered.pages for name in _AWAY.findall(page.wikitext))
        items = ((page, name, {"prefix": "commons", "title": name}) for page, name in pairs)
        self._items("iw", "iwlinks", parameters, answered, items, found)

    def _imageinfo(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        files = [page for page in answered.pages if page.title in self.files]
        after = parameters.get("iicontinue", "")
        if "iistart" in parameters:
            raise ApiError("strict", "older versions are of no use to anybody")
        left = sorted((page for page in files if page.title >= after), key=lambda page: page.title)
        for page in left[: self.files_a_reply]:
            info = self._info_of(self.files[page.title], parameters)
            found[page.page_id]["imageinfo"] = [info]
        if len(left) > self.files_a_reply:
            answered.go_on["iicontinue"] = left[self.files_a_reply].title
        elif len(files) == 1:  # as MediaWiki has it, for the version before
            answered.go_on["iistart"] = "2010-04-16T22:53:21Z"

    def _info_of(self, one: CommonsFile, parameters: Parameters) -> dict[str, Any]:
        address = f"{self.base}{MEDIA}{one.name}"
        width = int(parameters.get("iiurlwidth", "0"))
        thumb = f"{self.base}{MEDIA}{width}px-{one.name}" if one.thumb is not None else address
        wanted = parameters.get("iiextmetadatafilter", "").split("|")
        said = {k: {"value": v, "source": "commons-desc-page"} for k, v in (one.said or {}).items()}
        return {
            "timestamp": "2015-03-04T05:06:07Z",
            "user": "Uploader",
            "size": len(one.data),
            "width": one.width,
            "height": one.height,
            "thumburl": thumb,
            "url": address,
            "descriptionurl": f"{self.base}/wiki/{quote(one.title.replace(' ', '_'))}",
            "sha1": hashlib.sha1(one.data, usedforsecurity=False).hexdigest(),
            "mime": one.mime,
            **(
                {}
                if one.said is None
                else {"extmetadata": {k: v for k, v in said.items() if k in wanted}}
            ),
            **one.info,
        }

    def _list(self, name: str, parameters: Parameters, answered: Answered) -> None:
        if name != "categorymembers":
            super()._list(name, parameters, answered)
            return
        category = parameters["cmtitle"].partition(":")[2]
        if re.search(r"[#<>\[\]{}|]|%[0-9a-f]{2}|~~~|^:", category):
            raise ApiError("invalidcategory", "The category name you entered is not valid.")
        titles = sorted(one.title for one in self.files.values() if category in one.categories)
        limit = limit_of(parameters.get("cmlimit"))
        members = [{"ns": 6, "title": title} for title in titles[:limit]]
        answered.query["categorymembers"] = members
        if len(titles) > limit:
            answered.go_on["cmcontinue"] = f"file|{titles[limit]}"

    def media(self, path: str) -> bytes | None:
        """Return what an address of a file serves."""
        name = unquote(path.removeprefix(MEDIA)).replace("_", " ")
        small = re.fullmatch(r"\d+px-(.+)", name)
        one = self.files.get(f"File:{small[1] if small else name}")
        if one is None:
            return None
        if small:
            return one.thumb
        return one.data if one.served is None else one.served


def images_of(page: SitePage) -> list[str]:
    """Return the names of the files that an article shows, sorted."""
    return sorted({name.strip() for name in _FILE.findall(page.wikitext)})


def _page(number: int, one: CommonsFile) -> SitePage:
    text = f"#REDIRECT [[{one.redirect}]]" if one.redirect else "== Summary =="
    return SitePage(
        page_id=90_000 + number, title=one.title, revision_id=900_000 + number, wikitext=text
    )


TOKENS |= {"images": "imcontinue", "iwlinks": "iwcontinue", "imageinfo": "iicontinue"}
Answer = Callable[[str], tuple[int, dict[str, str], bytes] | None]


class CommonsServer(strict_server.StrictServer):
    """Serves a Commons; `oddly` may answer for a file by its path; counts what was handed out."""

    def __init__(
        self,
        site: CommonsSite,
        rules: Rules | None = None,
        *,
        oddly: Answer = lambda path: None,
        faults: strict_server.Faults = strict_server.no_faults,
        delay: float = 0.0,
    ) -> None:
        super().__init__(site, rules, faults=faults, delay=delay)
        self.RequestHandlerClass = _Handler
        self.oddly = oddly
        self.sent: Counter[str] = Counter()  # files by path
        self.stored: set[str] = set()  # sha1 of originals that the client has: no more of them
        self.refetched: list[str] = []
        site.base = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "CommonsServer":
        super().__enter__()
        return self


class _Handler(strict_server._Handler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not path.startswith(MEDIA):
            super().do_GET()
            return
        server = cast(CommonsServer, self.server)
        headers = {name: str(value) for name, value in self.headers.items()}
        number = server.referee.arrive(self.path, {"file": path}, headers, self.connection)
        time.sleep(server.delay)
        odd = server.oddly(path)
        server.referee.leave(number)
        server.sent[path] += 1
        data = cast(CommonsSite, server.site).media(path)
        if data and hashlib.sha1(data, usedforsecurity=False).hexdigest() in server.stored:
            server.refetched.append(path)
        if odd is not None:
            self._reply(*odd)
        elif data is None:
            self._reply(404, {}, b"<html>File not found</html>")
        else:
            self._reply(200, {}, data)

    def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
