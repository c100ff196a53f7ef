"""An endpoint of the soak whose files and address change all the time.

It demands a client's certificate. Every few seconds it moves to another address with another CA
and other clients' authorities, the files are renewed, and the daemon reloads. What is sent in
between fails and is retried, so every event still has to arrive.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tests.process.harness import Daemon, World
from tests.process.moving_names import MovingNames
from tests.process.secure_peers import MOVING, SecureReceiver, serving

ENDPOINT = "moving"
_ADDRESSES = ("127.0.0.1", "127.0.0.2")
_EVERY = 5.0
_RETRIES = 50


class Rotation:
    """Moves the endpoint between two receivers; `count` is how often it did."""

    def __init__(self, w: World, receivers: tuple[SecureReceiver, SecureReceiver]) -> None:
        self.count = 0
        self._world = w
        self._receivers = receivers
        self._names = MovingNames(w.folder / "names")
        self._present = 0
        self._files = self._renew()

    @property
    def python_path(self) -> str:
        """The PYTHONPATH of the daemon, which follows the moves with it."""
        return self._names.python_path

    @property
    def told(self) -> set[str]:
        """The videos whose events have arrived, at whichever address."""
        return {video_id for receiver in self._receivers for video_id in receiver.got}

    def configure(self) -> None:
        """Add the endpoint to the config."""
        self._world.config["endpoints"][ENDPOINT] = {
            "url": f"https://{MOVING}.:{self._receivers[0].port}/",
            "secret": self._world.secret,
            "retry_schedule": ["1s"] * _RETRIES,
            "max_connection_age": "2s",
            **self._files,
        }

    async def run(self, daemon: Daemon) -> None:
        """Move and reload for as long as this task lives."""
        while True:
            await trio.sleep(_EVERY)
            self._present = 1 - self._present
            self._renew()
            self.count += 1
            daemon.process.send_signal(signal.SIGHUP)

    def _renew(self) -> dict[str, str]:
        """Move the name to the present receiver, and write the files that it wants."""
        self._names.move(MOVING, _ADDRESSES[self._present])
        return self._receivers[self._present].write_files(self._world.folder, ENDPOINT)

    def problems(self, daemon: Daemon) -> list[str]:
        """Return what the daemon's log says against the rotation."""
        found = []
        if daemon.logs("reload_failed"):
            found.append("a reload with good files failed")
        renewed = [line for line in daemon.logs("reloaded") if line.get("files_changed")]
        if len(renewed) < self.count // 2:  # signals that come together are one reload
            found.append(f"{self.count} rotations, but only {len(renewed)} reloads took up files")
        return found


@asynccontextmanager
async def rotation(w: World) -> AsyncIterator[Rotation]:
    """Serve the endpoint's two receivers, on the same port of two addresses."""
    first, second = SecureReceiver(), SecureReceiver()
    async with serving(first), serving(second, _ADDRESSES[1], first.port):
        yield Rotation(w, (first, second))
