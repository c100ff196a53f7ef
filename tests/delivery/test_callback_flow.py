"""Callbacks of many tenants over one lane: a receiver that hangs delays its own alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import trio
from trio.testing import MockClock

from notifier.delivery import CallbackLimits
from notifier.delivery.callback_limits import MOST_STATES
from notifier.delivery.peer_state import PeerStates
from notifier.errors import StoreError
from tests.builders import rng
from tests.delivery.callback_network import TIMEOUT, Callbacks

SOON = 1.0


@asynccontextmanager
async def running(callbacks: Callbacks) -> AsyncIterator[Callbacks]:
    await callbacks.start()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(callbacks.lane.run)
        yield callbacks
        nursery.cancel_scope.cancel()


def names(kind: str, count: int, each: int = 1) -> list[str]:
    return [f"{kind}-{number}.example" for number in range(count)] * each


async def test_tarpits_dead_names_and_a_wildcard_name_delay_no_good_callback(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(
            *names("tarpit", 100, each=3), *names("dead", 60, each=3), *names("wild", 200)
        )
        await trio.sleep(0.5)
        assert len(await callbacks.good_within(SOON, *names("good", 30))) == 30

        await trio.sleep(120)  # every bad one has been tried, and is tried again now and then
        assert len(await callbacks.good_within(SOON, *names("late", 30))) == 30
        assert len(await callbacks.good_within(SOON, *names("good", 30))) == 30


async def test_a_thousand_new_tarpits_do_not_hide_a_name_that_was_served_before(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        assert len(await callbacks.good_within(SOON, "good-1.example")) == 1
        await callbacks.put(*names("tarpit", 1000))
        await trio.sleep(5)
        assert callbacks.network.connected >= 100
        assert len(await callbacks.good_within(SOON, "good-1.example")) == 1


async def test_one_name_with_a_long_backlog_and_a_name_with_one_callback_take_turns(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*["good-1.example"] * 2000)
        await trio.sleep(0.2)
        (wait,) = await callbacks.good_within(SOON, "good-2.example")
        assert wait < 0.2
        await trio.sleep(60)
        assert len(callbacks.network.got) == 2001


async def test_a_name_that_hangs_has_one_attempt_at_a_time_and_then_probes(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*["tarpit-1.example"] * 50)
        await trio.sleep(10 * TIMEOUT)
        assert callbacks.network.most_connected == 1
        tried = callbacks.network.tried["tarpit-1.example"]
        await trio.sleep(600)
        assert 5 < callbacks.network.tried["tarpit-1.example"] - tried < 12


async def test_attempts_and_sockets_are_bounded_over_all_names(autojump_clock: MockClock) -> None:
    callbacks = Callbacks(limits=CallbackLimits(40, rng()))
    async with running(callbacks):
        await callbacks.put(*names("tarpit", 100))
        await trio.sleep(1)
        assert callbacks.network.connected == 30  # what fresh names may take
        await trio.sleep(10 * TIMEOUT)
        assert callbacks.network.most_connected == 30
        assert sum(callbacks.network.tried.values()) >= 100


async def test_lookups_that_hang_keep_their_threads_and_get_no_more(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*names("dead", 200, each=2))
        await trio.sleep(600)
        assert callbacks.network.most_lookups == 96
        assert len(await callbacks.good_within(SOON, "good-1.example")) == 1


async def test_names_behind_one_address_share_its_slots_unless_they_work(
    autojump_clock: MockClock,
) -> None:
    callbacks = Callbacks()
    async with running(callbacks):
        callbacks.network.addresses["good-1.example"] = "93.184.255.1"
        assert len(await callbacks.good_within(SOON, "good-1.example")) == 1
        await callbacks.put(*names("wild", 200))
        await trio.sleep(10 * TIMEOUT)
        assert len(await callbacks.good_within(SOON, "good-1.example")) == 1
        assert callbacks.network.most_connected <= 64


async def test_a_deferred_callback_has_no_attempt_on_record_and_keeps_its_retries(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*names("wild", 8))
        await trio.sleep(SOON / 2)
        shown = [await callbacks.store.event(f"evt_{number}") for number in range(1, 9)]
        attempts = [len(each.deliveries[0].attempts) for each in shown if each is not None]
        assert sorted(attempts) == [0] * 4 + [1] * 4
        await trio.sleep(14 * 86_400)
        shown = [await callbacks.store.event(f"evt_{number}") for number in range(1, 9)]
        assert {len(each.deliveries[0].attempts) for each in shown if each is not None} == {10}
        assert {each.deliveries[0].state for each in shown if each is not None} == {"dead"}


async def test_410_is_a_dead_letter_and_an_answered_refusal_holds_no_other_url_of_the_host(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*["gone-1.example"] * 20)
        await trio.sleep(SOON)
        counts = (await callbacks.store.outstanding(0)).deliveries
        assert (counts.dead, counts.pending) == (20, 0)


async def test_a_server_that_is_broken_gets_single_probes(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*["broken-1.example"] * 40)
        await trio.sleep(30)
        assert callbacks.network.tried["broken-1.example"] < 15


async def test_two_signing_endpoints_share_the_limits(autojump_clock: MockClock) -> None:
    limits = CallbackLimits(40, rng())
    first, second = Callbacks(limits=limits), Callbacks(limits=limits, signer="ops")
    async with running(first), running(second):
        await first.put(*names("tarpit", 60))
        await second.put(*names("tarpit", 60))
        await trio.sleep(1)
        assert first.network.connected + second.network.connected == 30
        assert len(await second.good_within(10 * TIMEOUT, "good-1.example")) == 1


async def test_callbacks_of_a_crashed_process_are_looked_at_again_after_the_start(
    autojump_clock: MockClock,
) -> None:
    callbacks = Callbacks()
    async with running(callbacks):
        await callbacks.put("tarpit-1.example", "good-1.example")
        await trio.sleep(1)
    again = Callbacks(wrap=lambda _: callbacks.store)
    async with running(again):
        await trio.sleep(SOON)
        assert again.network.tried["tarpit-1.example"] == 1


def test_at_most_a_thousand_peers_are_remembered() -> None:
    limits = CallbackLimits(256, rng())
    for number in range(5000):
        limits.hosts.of(("app@callback", f"{number}.example"))
        limits.addresses.of(f"10.0.{number // 250}.{number % 250}")
    assert len(limits.hosts.known) + len(limits.addresses.known) == MOST_STATES


def test_a_peer_that_is_busy_is_not_forgotten() -> None:
    states: PeerStates[str] = PeerStates(2, {}, rng())
    first = states.of("a")
    first.in_flight = 1
    states.of("b")
    states.of("c")
    assert states.of("a") is first
    assert list(states.known) == ["c", "a"]


async def test_the_backlog_of_one_signing_endpoint_delays_no_callback_of_another_to_the_same_host(
    autojump_clock: MockClock,
) -> None:
    limits = CallbackLimits(256, rng())
    first, second = Callbacks(limits=limits), Callbacks(limits=limits, signer="ops")
    async with running(first), running(second):
        await first.put(*["good-1.example"] * 2000)
        await trio.sleep(1)
        assert len(await second.good_within(SOON, "good-1.example")) == 1
        assert len(first.network.got) < 2000


async def test_more_names_of_one_tarpit_than_can_be_remembered_are_not_looked_up_all_the_time(
    autojump_clock: MockClock,
) -> None:
    async with running(Callbacks()) as callbacks:
        await callbacks.put(*names("wild", 1000))
        await trio.sleep(30)
        before = callbacks.network.all_lookups
        await trio.sleep(60)
        assert callbacks.network.all_lookups - before < 60 * 1000 / 10


async def test_claimed_callbacks_are_attempted_although_the_store_fails_right_after(
    autojump_clock: MockClock,
) -> None:
    callbacks = Callbacks()
    with patch.object(callbacks.store, "next_callback", side_effect=StoreError("locked")):
        async with running(callbacks):
            assert len(await callbacks.good_within(SOON, "good-1.example")) == 1
