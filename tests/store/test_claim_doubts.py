"""Claims of which it is not known whether they were committed."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import pytest

from notifier.errors import StoreError
from notifier.model.delivery import AttemptRecord, CallbackDemand
from notifier.model.watch import Callback
from notifier.store import InlineExecutor, Store
from tests.builders import START, listing, memory_database, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")

P = ParamSpec("P")
T = TypeVar("T")
DONE = AttemptRecord(START, 12, "delivered", 204)


class Doubtful(InlineExecutor):
    """Runs functions, and then says that they failed, while `fails`."""

    fails = False

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result = await super().run(function, *args, **kwargs)
        if self.fails:
            raise StoreError("no answer")
        return result


async def with_two_deliveries(executor: Doubtful) -> Store:
    """Return a store with one delivery to `app` in flight and one that is due."""
    store = Store(memory_database(), executor, lambda: START)
    await store.reconcile_endpoints({"app": "mark"})
    first, second = await store.sync_watches([listing(spec("a"), spec("b"))], [])
    assert await store.record_ending(
        first.row, new_event("evt_1", ("app",)), snapshot(), claimed=("app",)
    )
    assert await store.record_ending(second.row, new_event("evt_2", ("app",)), snapshot())
    return store


async def test_a_claim_whose_commit_seemed_to_fail_is_taken_back_by_the_next_one() -> None:
    executor = Doubtful()
    store = await with_two_deliveries(executor)
    executor.fails = True
    for _ in range(2):
        with pytest.raises(StoreError):
            await store.claim_due("app", 10)
    executor.fails = False

    claims = await store.claim_due("app", 10)

    assert [(claim.event_id, claim.attempt) for claim in claims] == [("evt_2", 1)]
    await store.record_delivered([(claim, DONE) for claim in claims])
    assert await store.claim_due("app", 10) == []


async def test_a_callback_claim_whose_commit_seemed_to_fail_is_taken_back_as_well() -> None:
    executor, lane = Doubtful(), "app@callback"
    store = Store(memory_database(), executor, lambda: START)
    await store.reconcile_endpoints({"app": "mark", lane: "mark"})
    callback = Callback("https://callback.example/", "app")
    watch, _ = await store.add_watch(spec(), again=False, callback=callback)
    await store.record_ending(watch.row, new_event("evt_1", ()), snapshot())
    executor.fails = True
    with pytest.raises(StoreError):
        await store.claim_callbacks(lane, CallbackDemand(9, {}))
    executor.fails = False

    (claim,) = await store.claim_callbacks(lane, CallbackDemand(9, {}))

    assert (claim.event_id, claim.attempt) == ("evt_1", 1)
