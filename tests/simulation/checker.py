"""What must hold, looked at from the outside: only what endpoints received, and when.

Every job has exactly one event; every endpoint has taken it in the time that retries last; its
id and bytes never change; and nothing arrives that no job explains. Duplicates are allowed and
counted, because delivery is at least once.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from tests.simulation.daemon import BUDGET
from tests.simulation.world import ENDPOINTS, Job, Post, World


@dataclass
class Verdict:
    """What a run came to; `problems` is empty when everything held."""

    events: int = 0
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)


def check(world: World) -> Verdict:
    """Compare what endpoints received with what the gateway's jobs did."""
    verdict = Verdict()
    by_video: dict[str, list[Post]] = {}
    for post in world.posts:
        by_video.setdefault(json.loads(post.body)["data"]["id"], []).append(post)
    for video_id in by_video.keys() - world.jobs.keys():
        verdict.problems.append(f"unexpected: an event about {video_id}")
    for job in world.jobs.values():
        _check_job(job, by_video.get(job.video_id, []), verdict)
    _check_budget(world, verdict)
    return verdict


def _check_job(job: Job, posts: list[Post], verdict: Verdict) -> None:
    name = f"{job.video_id} ({job.ending})"
    if len({post.event_id for post in posts}) > 1:
        verdict.problems.append(f"two events: {name}")
    if len({post.body for post in posts}) > 1:
        verdict.problems.append(f"changed bytes: {name}")
    received = Counter(post.endpoint for post in posts if post.taken)
    for endpoint in ENDPOINTS:
        if not received[endpoint]:
            verdict.problems.append(f"lost: {name} at {endpoint}")
    verdict.events += 1
    verdict.duplicates += sum(received.values()) - len(received)
    for post in posts:
        _check_post(job, post, name, verdict)


def _check_post(job: Job, post: Post, name: str, verdict: Verdict) -> None:
    kind = json.loads(post.body)["type"].partition(".")[2]
    # a job that ended, or was forgotten, while nobody could ask may have timed out by then
    if kind not in {job.ending, "timed_out"} and not (kind == "lost" and job.ending == "stuck"):
        verdict.problems.append(f"wrong ending: {name} told as {kind}")
    if kind in {"completed", "failed", "cancelled"} and (
        job.ends_at is None or post.at < job.ends_at
    ):
        verdict.problems.append(f"too early: {name} at {post.at}")


def _check_budget(world: World, verdict: Verdict) -> None:
    window = int(BUDGET)
    # a crashed process's last second and the next one's first may add up
    for first, last in zip(world.asked, world.asked[2 * window + 2 :], strict=False):
        if last - first < 1:
            verdict.problems.append(f"over budget at {first}")
            return
    if any(later < at for at, later in pairwise(world.asked)):
        verdict.problems.append("time ran backwards")
