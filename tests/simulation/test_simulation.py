"""Hundreds of days of operation, and proof that the checker would notice if something broke."""

from collections.abc import Callable, Collection, Sequence
from itertools import count
from typing import Any

import pytest

from notifier.http_client import HttpRequest
from notifier.model.delivery import RecordedEnding
from notifier.model.discovery import Fate, FoundJob, Mark
from notifier.model.event import NewEvent, NotRecorded
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.video import Snapshot
from notifier.model.watch import Listing, Watch
from notifier.store import Store
from notifier.webhook import Outcome, WebhookSender
from tests.simulation.crashing_store import CrashedError
from tests.simulation.daemon import Simulation
from tests.simulation.listings import FILES
from tests.simulation.receivers import ENDPOINTS
from tests.simulation.run import simulate

SEEDS = range(20)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 5))
def test_nothing_is_lost_or_made_up_over_fifty_simulated_days(first: int) -> None:
    for seed in SEEDS[first : first + 5]:
        verdict = simulate(seed, days=10.0)
        assert verdict.problems == [], f"seed {seed}"
        assert verdict.events + verdict.hidden > 90


def test_a_seed_replays_exactly() -> None:
    first, second = simulate(7, days=2.0), simulate(7, days=2.0)
    assert first == second
    assert first.events


class _Around:
    """A part with some of its methods replaced."""

    def __init__(self, real: Any) -> None:  # noqa: ANN401 - stands for any part
        self._real = real

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - same
        return getattr(self._real, name)


def send_before_commit(simulation: Simulation) -> None:
    """POST an event as soon as it is known, and commit it afterwards."""

    class Hasty(_Around):
        async def record_ending(
            self,
            watch: int,
            event: NewEvent,
            last: Snapshot,
            *,
            sample: JobSample | None = None,
            plan: FollowUpPlan = NO_FOLLOW_UP,
            claimed: Collection[str] = (),
            fence: Fence | None = None,
        ) -> RecordedEnding | NotRecorded:
            for body in event.bodies.values():
                headers = {"webhook-id": event.id, "webhook-timestamp": "0"}
                for name in ENDPOINTS:
                    try:
                        url = simulation.world.receivers.url(name)
                        await simulation.world.send(
                            HttpRequest("POST", url, headers, deadline=1, max_body=1, body=body)
                        )
                    except Exception:  # noqa: BLE001, S112 - the bug does not look
                        continue
            real: Store = self._real
            return await real.record_ending(
                *(watch, event, last), sample=sample, plan=plan, claimed=claimed, fence=fence
            )

    simulation.store_of = Hasty


def forget_an_endpoint(simulation: Simulation) -> None:
    simulation.subscriptions = simulation.subscriptions[1:]


def ack_before_2xx(simulation: Simulation) -> None:
    """Take any answer, and none, for a delivery."""

    class Credulous(_Around):
        async def send(self, event_id: str, body: bytes) -> Outcome:
            real: WebhookSender = self._real
            await real.send(event_id, body)
            return Outcome("delivered", 204)

    simulation.sender_of = Credulous


def render_again(simulation: Simulation) -> None:
    """Change the body a little on every attempt."""

    class Restless(_Around):
        attempts = 0

        async def send(self, event_id: str, body: bytes) -> Outcome:
            Restless.attempts += 1
            real: WebhookSender = self._real
            return await real.send(event_id, body + b" " * Restless.attempts)

    simulation.sender_of = Restless


def ask_too_often(simulation: Simulation) -> None:
    simulation.budget *= 2


def sleep_through_the_wakeup(simulation: Simulation) -> None:
    """Leave every lane to find out for itself that something is due."""
    simulation.wakes = False


def forget_what_a_broken_file_listed(simulation: Simulation) -> None:
    """Take a file that cannot be read for one that lists nothing."""

    class Forgetful(_Around):
        async def sync_watches(
            self, listings: Sequence[Listing], gone: Collection[str]
        ) -> list[Watch]:
            read = {listing.source for listing in listings}
            real: Store = self._real
            return await real.sync_watches(listings, {*gone, *FILES} - read)

    simulation.store_of = Forgetful


def random_event_ids(simulation: Simulation) -> None:
    """Draw an id for an ending instead of deriving it: a restored backup repeats none."""
    ids = count()
    simulation.event_id = lambda _store, _watch, _kind: f"evt_of_video_{next(ids)}"


def commit_the_mark_before_the_jobs(simulation: Simulation) -> None:
    """Commit that a walk is complete, and then what it found."""

    class Early(_Around):
        async def record_discovered(
            self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
        ) -> list[Watch]:
            real: Store = self._real
            known = [job._replace(fate=Fate.KNOWN) for job in found]
            await real.record_discovered(gateway, known, walk, mark)
            if simulation.world.rng.random() < 0.2:
                raise CrashedError
            others = [job._replace(key=f"again {job.key}") for job in found]
            return await real.record_discovered(gateway, others, walk, mark)

    simulation.world.discover()
    simulation.store_of = Early


def take_the_baseline(simulation: Simulation) -> None:
    """Watch what was over when discovery began."""

    class Greedy(_Around):
        async def record_discovered(
            self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
        ) -> list[Watch]:
            real: Store = self._real
            taken = [job._replace(fate=Fate.TAKEN) for job in found]
            return await real.record_discovered(gateway, taken, walk, mark)

    simulation.world.discover()
    simulation.store_of = Greedy


def compare_listed_ids_as_text(simulation: Simulation) -> None:
    """Remember jobs by the text of their ids: LiteLLM lists each under another one every time."""

    class Literal(_Around):
        async def record_discovered(
            self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
        ) -> list[Watch]:
            real: Store = self._real
            literal = [job._replace(key=job.video_id, names=job.names[:1]) for job in found]
            return await real.record_discovered(gateway, literal, walk, mark)

    simulation.world.discover()
    simulation.world.gateway.dialect = "litellm"
    simulation.store_of = Literal


@pytest.mark.parametrize(
    ("bug", "symptom"),
    [
        # the id is derived, and so the same; what is rendered anew after a crash is not
        (send_before_commit, "changed bytes"),
        (forget_an_endpoint, "lost"),
        (ack_before_2xx, "lost"),
        (render_again, "changed bytes"),
        (ask_too_often, "over budget"),
        (sleep_through_the_wakeup, "late"),
        (forget_what_a_broken_file_listed, "late"),
        (random_event_ids, "two events"),
        (commit_the_mark_before_the_jobs, "lost"),
        (take_the_baseline, "unexpected"),
        (compare_listed_ids_as_text, "two events"),
    ],
)
def test_the_checker_notices_a_planted_bug(
    bug: Callable[[Simulation], None], symptom: str
) -> None:
    found = (
        problem for seed in range(12) for problem in simulate(seed, days=5.0, plant=bug).problems
    )
    assert any(problem.startswith(symptom) for problem in found)
