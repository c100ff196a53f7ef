"""Asks for the page as a browser does: with cookies and fetch metadata, following no redirect."""

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

import trio

TOKEN = "a-token-of-twenty-nine-letters"
_PATIENCE = 120


class Shown(NamedTuple):
    """One answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def form_token(self) -> str:
        """What the forms of the page carry."""
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', self.text)
        assert found, self.text
        return found[1]


@dataclass
class Visitor:
    """One browser on the page at `port`."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str, **headers: str) -> Shown:
        return await self._ask("GET", path, None, {"sec-fetch-site": "none", **_dashed(headers)})

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> Shown:
        ours = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": self.origin,
            "sec-fetch-site": "same-origin",
        }
        wanted = {k: v for k, v in {**ours, **_dashed(headers)}.items() if v}
        return await self._ask("POST", path, urlencode(form), wanted)

    async def press(self, action: str, on: str = "/", **fields: str) -> str:
        """Press a button of the page at `on`; return what the page then says of it."""
        form = {"form_token": (await self.get(on)).form_token, "back": on, **fields}
        done = await self.post(f"/actions/{action}", form)
        assert done.status == 303, done
        shown = await self.get(done.headers["location"])
        (notice,) = re.findall(r'<p class="notice[^>]*>([^<]*)</p>', shown.text)
        return str(notice)

    async def sign_in(self, token: str = TOKEN, **headers: str) -> Shown:
        return await self.post("/sign-in", {"token": token, "next": "/"}, **headers)

    async def _ask(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> Shown:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {**headers, **({"cookie": cookie} if cookie else {})}
        return await trio.to_thread.run_sync(self._exchange, method, path, body, given)

    def _exchange(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> Shown:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            text = answer.read().decode()
        finally:
            connection.close()
        if found := re.match(r"([^=]+)=([^;]*)", named.get("set-cookie", "")):
            self.cookies[found[1]] = found[2].strip('"')
        return Shown(answer.status, named, text)


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
