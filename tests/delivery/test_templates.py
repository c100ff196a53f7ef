"""Endpoints with a template: what it made is stored before anything is sent."""

import trio
from trio.testing import MockClock

from notifier.model.delivery import NOT_RENDERED, Format
from notifier.webhook import Outcome
from tests.builders import memory_store
from tests.delivery.lanes import Parts, Receiver, put, run_for, steady_clock


class Templated(Receiver):
    """A receiver whose template counts how often it was applied."""

    applied = 0
    fails = False

    async def rendered(self, standard: bytes) -> bytes | Outcome:
        self.applied += 1
        await trio.sleep(0.3)
        if self.fails:
            return Outcome(NOT_RENDERED, detail="it makes no valid JSON")
        return b"%s, version %d" % (standard, self.applied)


async def test_all_attempts_send_what_the_template_made_first(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Templated(answers=[500, 500, 204])
    await run_for(3600, Parts(store, receiver, clock, form=Format.TEMPLATE).lane())

    assert [body for _, _, body in receiver.got] == [b"body 0, version 1"] * 3
    assert receiver.applied == 1


async def test_a_template_that_fails_is_a_dead_letter_with_its_reason(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Templated()
    receiver.fails = True
    await run_for(3600, Parts(store, receiver, clock, form=Format.TEMPLATE).lane())

    event = await store.event("evt_0")
    assert event is not None
    (delivery,) = event.deliveries
    assert (delivery.state, receiver.got) == ("dead", [])
    assert "it makes no valid JSON" in delivery.reason
