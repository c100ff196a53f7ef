"""Watches of the soak that bring a callback along, to receivers that are good or bad.

Callbacks go to public addresses only. `with_a_public_address` gives a command one, in a network
namespace that has nothing but loopback.
"""

import os
import shutil
import socket
from functools import partial
from random import Random

from notifier.http_server import Response, serve
from tests.control.callbacks_in_namespace import PUBLIC_ADDRESS
from tests.control.client import Api
from tests.process.harness import Got, Receiver, World

_SET_UP = f'ip link set lo up && ip addr add {PUBLIC_ADDRESS}/32 dev lo && exec "$@"'
_LONG = b"x" * 100_000


def with_a_public_address(command: list[str]) -> list[str]:
    """Return the command in such a namespace, or as it is where rights or tools are missing."""
    able = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
    return ["unshare", "--net", "sh", "-c", _SET_UP, "sh", *command] if able else command


def has_a_public_address() -> bool:
    """Return whether this process can receive at it."""
    with socket.socket() as probe:
        try:
            probe.bind((PUBLIC_ADDRESS, 0))
        except OSError:
            return False
    return True


class Callbacks:
    """Adds watches with callbacks; `added` counts them, `good` and `told` are sets of videos."""

    def __init__(self, rng: Random) -> None:
        self.added = 0
        self.good: set[str] = set()
        self.told: set[str] = set()
        self._rng = rng
        self._refused: set[str] = set()
        self._private = Receiver()
        self._good_urls: list[str] = []
        self._bad_urls: list[str] = []

    async def set_up(self, w: World) -> None:
        """Serve the receivers, and allow callbacks in the config."""
        w.config["http"] = {"listen": "127.0.0.1:0", "allow_callback_urls": True}
        self._private = await w.receiver()
        self._good_urls = [
            await _serve(w, Receiver(before_answer=self._note)),
            await _serve(w, Receiver(answer=self._at_the_second_time)),
        ]
        self._bad_urls = [
            await _serve(w, Receiver(answer=lambda _: Response(410))),
            await _serve(w, Receiver(answer=lambda _: Response(500, {}, _LONG))),
            await _serve(w, Receiver(answer=lambda _: None)),
            await _serve(w, Receiver(answer=None)),
            f"http://{PUBLIC_ADDRESS}:1/nobody-listens",
            f"http://localhost:{self._private.port}/",
        ]

    async def add(self, api: Api, video_id: str) -> str:
        """Watch a video with a callback of any kind; return what is wrong with the answer."""
        good = self._rng.random() < 0.5
        url = self._rng.choice(self._good_urls if good else self._bad_urls)
        watch = {
            "video_id": video_id,
            "callback_url": url,
            # whose secret signs it, and whose patience it has
            "callback_endpoint": "good" if good else "flaky",
        }
        answer = await api.ask("POST", "/v1/watches", watch)
        self.added += 1
        if good:
            self.good.add(video_id)
        return "" if answer.status == 201 else f"a watch was answered with {answer.status}"

    def problems(self) -> list[str]:
        """Return what came where nothing may come."""
        return ["an event came to a private address"] if self._private.got else []

    def _note(self, got: Got) -> None:
        self.told.add(got.event["data"]["id"])

    def _at_the_second_time(self, got: Got) -> Response:
        if got.id not in self._refused:
            self._refused.add(got.id)
            return Response(503)
        self._note(got)
        return Response(204)


async def _serve(w: World, receiver: Receiver) -> str:
    """Serve at the public address; return the URL."""
    port = await w.nursery.start(partial(serve, receiver.handle, host=PUBLIC_ADDRESS, port=0))
    return f"http://{PUBLIC_ADDRESS}:{port}/"
