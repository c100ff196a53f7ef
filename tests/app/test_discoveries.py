"""Discovery follows the config, and its crash stops nothing else."""

from types import SimpleNamespace
from typing import Any, cast

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.app import discoveries
from notifier.app.discoveries import Discoveries
from notifier.config import GatewaySettings


class _Scheduler:
    """A scheduler that remembers who listens."""

    def __init__(self) -> None:
        self.listener: object = None
        self.unplanned = self

    def listen(self, listener: object) -> None:
        self.listener = listener

    def told(self) -> bool:
        return self.listener is not None


async def test_a_crash_restarts_discovery_alone(
    autojump_clock: MockClock,
    monkeypatch: Any,  # noqa: ANN401 - pytest's type
) -> None:
    runs: list[int] = []

    class Crashing:
        def __init__(self, *_: object) -> None: ...

        async def run(self) -> None:
            runs.append(1)
            if len(runs) < 3:
                raise ZeroDivisionError
            await trio.sleep_forever()

    monkeypatch.setattr(discoveries, "Discovery", Crashing)
    monkeypatch.setattr(Discoveries, "_deps", lambda *_: None)
    scheduler = _Scheduler()
    gateways = SimpleNamespace(scheduler=lambda _: scheduler)
    found = Discoveries(*cast("Any", (None, gateways, None, None)))
    settings = SimpleNamespace(
        name="main",
        base_url="http://gateway/v1",
        discover=True,
        poll_interval=20.0,
        give_up_after=60.0,
        discover_since=None,
    )
    async with trio.open_nursery() as nursery:
        with capture_logs() as logs:
            wanted = cast("dict[str, GatewaySettings]", {"main": settings})
            await nursery.start(found.run, wanted)
            await trio.sleep(10)
            assert len(runs) == 3
            assert scheduler.told()
            found.change({})
            assert not scheduler.told()
        assert [line["event"] for line in logs] == ["discovery_crashed"] * 2
        nursery.cancel_scope.cancel()
