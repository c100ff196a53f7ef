"""Three faults; the full run is `python -m tests.faults.cluster_kills --kills 200`."""

from pathlib import Path

import pytest

from tests import postgres
from tests.faults.cluster_check import GRACE, Fault, Poll, Post, Record, longest_pauses, problems
from tests.faults.cluster_kills import LEASE, cluster_kills

SEED = 20261126
QUICK = ("SIGKILL", "PostgreSQL crashes", "black hole")
BUDGET = 10.0
LEASE_OF = {"v": "watch:main:0"}
LANE = "lane:app"


async def test_three_instances_lose_and_double_nothing_whatever_happens_to_one(
    tmp_path: Path,
) -> None:
    if reason := postgres.missing():
        pytest.skip(reason)
    async with cluster_kills(tmp_path, SEED) as run:
        await run.run(QUICK, lambda _: None)

        assert run.judge() == [], f"seed {SEED}"
        assert len(run.record.expected) > 20
        pauses = longest_pauses(run.record)
        assert pauses.keys() == {*QUICK, "none"}
        # how close it comes to 1.5 says the full run, on a machine that has nothing else to do
        assert max(max(each) for each in pauses.values()) < 4 * LEASE


def post(instance: str = "alpha", at: float = 1.0, body: bytes = b"{}", event: str = "e") -> Post:
    return Post(at, instance, "v", "video.completed", event, body, is_received=True)


def record(*posts: Post, polls: list[Poll] | None = None) -> Record:
    return Record({"v": "video.completed"}, {"v": 0.0}, polls or [], list(posts))


def found(given: Record) -> list[str]:
    return [each.partition(":")[0] for each in problems(given, LEASE_OF, LANE, BUDGET)]


def test_the_check_notices_what_is_lost_doubled_or_changed() -> None:
    assert found(record(post(), post())) == []
    assert found(record()) == ["lost"]
    assert found(record(post()._replace(is_received=False))) == ["lost"]
    assert found(record(post(), post(event="other"))) == ["two events"]
    assert found(record(post(), post(body=b"{ }"))) == ["changed bytes"]
    assert found(record(post()._replace(type="video.failed"))) == ["wrong ending"]
    assert found(record(post(), post()._replace(video="w"))) == ["unexpected"]


def test_the_check_notices_work_of_a_former_owner() -> None:
    polls = [Poll(1.0, "alpha", "v"), Poll(9.0, "alpha", "v")]
    given = record(post(at=1.0), post(at=9.0), polls=polls)
    for at in (0.0, 4.0):
        given.leases.observe(at, LEASE_OF["v"], "alpha", 1)
        given.leases.observe(at, LANE, "alpha", 1)
    assert found(given) == []
    for at in (9.0 - GRACE, 10.0):
        given.leases.observe(at, LEASE_OF["v"], "beta", 2)
        given.leases.observe(at, LANE, "beta", 2)
    assert found(given) == ["poll by alpha", "POST by alpha"]


def test_the_check_notices_a_gateway_that_is_asked_too_often() -> None:
    often = [Poll(number / BUDGET, "alpha", "v") for number in range(300)]
    assert found(record(post(), polls=often)) == []
    burst = [*often, *(Poll(30.0, "beta", "v") for _ in range(20))]
    assert found(record(post(), polls=burst)) == ["over budget"]


def test_a_pause_belongs_to_the_fault_that_it_overlaps() -> None:
    polls = [Poll(at, "alpha", "v") for at in (1.0, 2.0, 9.0, 10.0)]
    given = record(post(), polls=[*polls, Poll(11.0, "alpha", "v", is_last=True)])
    given.faults.append(Fault("SIGKILL", 3.0, 9.5))
    assert longest_pauses(given) == {"SIGKILL": [7.0], "none": [1.0]}
