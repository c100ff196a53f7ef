"""A running daemon with its control API on a free port of loopback."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import trio

from tests.process.harness import Daemon, World, running

_PATIENCE = 120


class Answer(NamedTuple):
    """Status, headers with lower-case names, and the JSON in the body (or its text)."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Api:
    """The API of one daemon."""

    port: int
    daemon: Daemon
    headers: Mapping[str, str]

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        data = raw if body is None else json.dumps(body).encode()
        given = {"content-type": "application/json", **self.headers, **(headers or {})}
        return await trio.to_thread.run_sync(_ask, self.port, method, path, data, given)


def _ask(
    port: int, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
) -> Answer:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data, dict(headers), method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as reply:  # noqa: S310 - http, above
            return _answer(reply.status, dict(reply.headers), reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, dict(error.headers), error.read())


def _answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    named = {name.lower(): value for name, value in headers.items()}
    is_json = "json" in named.get("content-type", "")
    return Answer(status, named, json.loads(content) if is_json else content.decode())


@asynccontextmanager
async def serving(w: World, *, token: str = "", **http: object) -> AsyncIterator[Api]:
    """Run a daemon that serves its API on TCP for as long as the block lasts."""
    w.config["http"] = {"listen": "127.0.0.1:0", **({"token": token} if token else {}), **http}
    async with running(w.save()) as daemon:
        yield api_of(daemon, token)


def api_of(daemon: Daemon, token: str = "") -> Api:
    """Return the API of a daemon that has started and listens on loopback."""
    (port,) = [
        int(found[1])
        for line in daemon.logs("listening")
        if (found := re.fullmatch(r"127\.0\.0\.1 port (\d+)", line["at"]))
    ]
    return Api(port, daemon, {"authorization": f"Bearer {token}"} if token else {})
