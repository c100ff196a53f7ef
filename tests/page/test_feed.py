"""The feed: one computation per change for all tabs, and positions in it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio
import trio.testing

from notifier.errors import StoreError
from notifier.model.views import Row
from notifier.page.feed import Feed
from notifier.page.stream import Stream

Clock = trio.testing.MockClock


@dataclass
class Things:
    """Changes when it is told to, and counts how often it is looked at."""

    next: Row = field(default_factory=dict)
    begun: int = 0
    looks: int = 0
    broken: Exception | None = None

    async def begin(self) -> None:
        self.begun += 1

    async def look(self) -> Row:
        self.looks += 1
        if self.broken:
            raise self.broken
        found, self.next = self.next, {}
        return found


@dataclass
class Tab:
    """One client of the stream."""

    feed: Feed
    after: str = ""
    header: str = ""
    got: list[tuple[str, str, Any]] = field(default_factory=list)
    comments: int = 0
    status: int = 0

    async def follow(self) -> None:
        headers = [(b"last-event-id", self.header.encode())] if self.header else []
        query = f"after={self.after}".encode()
        scope = {"type": "http", "headers": headers, "query_string": query, "method": "GET"}
        await Stream(self.feed)(scope, trio.sleep_forever, self._take)

    async def _take(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        self.status = message.get("status", self.status)
        for text in message.get("body", b"").decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            self.comments += text == ":"
            if "event" in lines:
                self.got.append((lines["event"], lines["id"], json.loads(lines["data"])))

    @property
    def changes(self) -> list[Any]:
        return [data for name, _, data in self.got if name == "changes"]


@asynccontextmanager
async def feeding(things: Things, *tabs: Tab) -> AsyncIterator[Feed]:
    feed = tabs[0].feed if tabs else Feed(things)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed.run)
        for tab in tabs:
            nursery.start_soon(tab.follow)
        yield feed
        nursery.cancel_scope.cancel()


async def test_a_change_is_computed_once_for_fifty_tabs(autojump_clock: Clock) -> None:
    things = Things()
    feed = Feed(things)
    tabs = [Tab(feed) for _ in range(50)]
    async with feeding(things, *tabs):
        await trio.sleep(0.5)
        for number in range(3):
            things.next = {"videos": [number]}
            await trio.sleep(1)
        assert things.looks == 3
        expected = [{"videos": [number]} for number in range(3)]
        assert all(tab.changes == expected for tab in tabs)
        assert things.begun == 1


async def test_a_tab_that_comes_back_gets_what_it_missed(autojump_clock: Clock) -> None:
    things = Things()
    async with feeding(things) as feed:
        shown_with = await feed.position()
        things.next = {"events": [1]}
        await trio.sleep(1.5)
        first = Tab(feed, after=shown_with)
        with trio.move_on_after(1):
            await first.follow()
        things.next = {"events": [2]}
        await trio.sleep(2)
        again = Tab(feed, after=shown_with, header=first.got[-1][1])
        with trio.move_on_after(1):
            await again.follow()
    assert first.changes == [{"events": [1]}]
    assert again.changes == [{"events": [2]}]


@pytest.mark.parametrize("position", ["1234abcd-7", "nonsense", "-", "-0", "0-" + "9" * 400])
async def test_a_position_that_is_not_known_starts_over(
    position: str, autojump_clock: Clock
) -> None:
    things = Things()
    tab = Tab(Feed(things), after=position)
    async with feeding(things, tab):
        await trio.sleep(0.5)
        things.next = {"events": [1]}
        await trio.sleep(1)
    assert [name for name, _, _ in tab.got] == ["reset", "changes"]


async def test_a_position_that_is_too_old_starts_over(autojump_clock: Clock) -> None:
    things = Things()
    async with feeding(things) as feed:
        old = await feed.position()
        for number in range(80):
            things.next = {"events": [number]}
            await feed.position()
            await trio.sleep(1.5)
        tab = Tab(feed, after=old)
        with trio.move_on_after(0.5):
            await tab.follow()
    assert [name for name, _, _ in tab.got] == ["reset"]


async def test_nothing_is_looked_at_while_nobody_follows(autojump_clock: Clock) -> None:
    things = Things()
    async with feeding(things) as feed:
        tab = Tab(feed)
        with trio.move_on_after(5):
            await tab.follow()
        await trio.sleep(120)
        looks = things.looks
        await trio.sleep(3600)
        assert things.looks == looks
        late = Tab(feed, after=tab.got[-1][1])
        with trio.move_on_after(5):
            await late.follow()
    assert [name for name, _, _ in late.got] == ["reset"]
    assert things.begun == 2


@pytest.mark.parametrize("error", [StoreError("the disk is gone"), KeyError("a bug")])
async def test_what_fails_for_a_while_ends_no_tab(error: Exception, autojump_clock: Clock) -> None:
    things = Things(broken=error)
    tab = Tab(Feed(things))
    async with feeding(things, tab):
        await trio.sleep(5)
        things.broken, things.next = None, {"events": [1]}
        await trio.sleep(2)
    assert tab.changes == [{"events": [1]}]


async def test_what_is_kept_is_bounded_in_bytes(autojump_clock: Clock) -> None:
    things = Things()
    async with feeding(things) as feed:
        old = await feed.position()
        for _ in range(5):
            things.next = {"events": ["x" * 3_000_000]}
            await trio.sleep(1.5)
        last = await feed.position()
        assert feed.after(old) is None
        run_id, _, number = last.partition("-")
        kept = feed.after(f"{run_id}-{int(number) - 2}")
        assert kept is not None
        assert [len(message.data) > 3_000_000 for message in kept] == [True, True]


async def test_a_quiet_stream_says_that_it_is_there_and_ends_after_five_minutes(
    autojump_clock: Clock,
) -> None:
    things = Things()
    async with feeding(things) as feed:
        tab = Tab(feed)
        began = trio.current_time()
        await tab.follow()
        assert trio.current_time() - began == pytest.approx(300, abs=1)
    assert tab.comments >= 19


async def test_the_number_of_followers_is_bounded(autojump_clock: Clock) -> None:
    things = Things()
    feed = Feed(things)
    tabs = [Tab(feed) for _ in range(200)]
    async with feeding(things, *tabs):
        await trio.sleep(1)
        one_more = Tab(feed)
        await one_more.follow()
        assert one_more.status == 503
        assert {tab.status for tab in tabs} == {200}


async def test_a_client_that_goes_away_is_not_followed_any_longer(autojump_clock: Clock) -> None:
    async def gone() -> dict[str, str]:
        await trio.sleep(2)
        return {"type": "http.disconnect"}

    async def take(message: object) -> None:
        pass

    things = Things()
    async with feeding(things) as feed:
        scope = {"type": "http", "headers": [], "query_string": b"", "method": "GET"}
        with trio.fail_after(3), suppress(trio.BrokenResourceError):
            await Stream(feed)(scope, gone, take)
        assert feed.followers == 0
