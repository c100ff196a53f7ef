"""What must hold, looked at from the outside: what endpoints received, and when.

Every job that was not withdrawn has exactly one event; every endpoint has taken it, in time
when nothing stood in the way; its id and bytes never change; nothing arrives that no job
explains; and the gateway was never asked faster than agreed. What an endpoint has not taken
must have been tried as often as the retry schedule says, and must be found in the store with
its reason. Duplicates are allowed and counted, because delivery is at least once.

A restored backup changes what must hold only where the state cannot remember. Whatever a state
remembers and does has one id and the same bytes. An ending is repeated with its id if the backup
held the watch, and perhaps with another body or outcome; a watch that is taken anew has a new id.
What endpoints received from a branch that was given up does not count as delivered: the state at
the end has to have delivered everything again that it does not remember.
"""

import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from notifier.store import Database
from tests.simulation.daemon import BUDGET, SCHEDULE
from tests.simulation.gateway import Job, name_of, within
from tests.simulation.history import Branch
from tests.simulation.receivers import ENDPOINTS, Post
from tests.simulation.world import World

DETECTED_WITHIN = 600.0
"""How long after a job's end its event is at a healthy endpoint, in seconds."""

Reasons = dict[tuple[str, str], str]

_CALM = 0.05
_SEEN = 3
"""So often a job is on the head of the list before nothing excuses that it has no event."""

_COMMITTED_WITHIN = 120.0


@dataclass
class Verdict:
    """What a run came to; `problems` is empty when everything held.

    `timely` counts the deliveries that nothing stood in the way of, whose time was checked,
    `discovered` the jobs that discovery alone found, `hidden` those that neither a file nor a page
    showed in time, and those of the baseline. `repeated` and `renewed` count the events that came
    again after a restore, with their id and with another one.
    """

    events: int = 0
    duplicates: int = 0
    dead: int = 0
    timely: int = 0
    restores: int = 0
    repeated: int = 0
    renewed: int = 0
    discovered: int = 0
    hidden: int = 0
    notices: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        """Count what another run came to as well."""
        self.events += other.events
        self.duplicates += other.duplicates
        self.dead += other.dead
        self.timely += other.timely
        self.restores += other.restores
        self.repeated += other.repeated
        self.renewed += other.renewed
        self.discovered += other.discovered
        self.hidden += other.hidden
        self.notices += other.notices
        self.problems += other.problems

    def __str__(self) -> str:
        """Return the figures in one line."""
        return (
            f"{self.events} events, {self.duplicates} duplicates, {self.dead} dead letters "
            f"after all retries, {self.timely} deliveries checked for being in time; "
            f"{self.discovered} jobs discovered, {self.hidden} hidden; "
            f"{self.notices} notices of expiry; "
            f"{self.restores} restored backups, "
            f"after which {self.repeated} events came again "
            f"with their id and {self.renewed} with another"
        )


def check(world: World, database: Database) -> Verdict:
    """Compare what endpoints received with what the gateway's jobs did."""
    verdict = Verdict(restores=len(world.history.branches) - 1)
    by_video, notices = defaultdict[str, list[Post]](list), defaultdict[str, list[Post]](list)
    expiring = defaultdict[str, list[Post]](list)
    for post in world.receivers.posts:
        event = json.loads(post.body)
        data = event["data"]
        if event["type"] == "video.expiring":
            expiring[name_of(data["id"])].append(post)
        elif data["object"] == "video":
            by_video[name_of(data["id"])].append(post)
        else:
            notices[post.event_id].append(post)
            if data["id"] not in ENDPOINTS or data["id"] == post.endpoint:
                verdict.problems.append(f"unexpected: {data} at {post.endpoint}")
    for video_id in by_video.keys() - world.gateway.jobs.keys():
        verdict.problems.append(f"unexpected: an event about {video_id}")
    reasons, ended = database.transact(_given_up), database.transact(_ended)
    for job in world.gateway.jobs.values():
        posts = by_video.get(job.video_id, [])
        verdict.problems += _check_identity(job, posts, world, verdict)
        verdict.problems += [
            problem for post in posts for problem in _check_post(job, post, world)
        ]
        kept = _remembered(posts, world)
        if job.video_id in world.listings.unlisted:
            verdict.problems += _check_unlisted(job, kept, world, verdict, reasons)
        elif kept or job.video_id in ended or job.video_id not in world.listings.withdrawn:
            verdict.problems += _check_job(job, kept, world, verdict, reasons)
    for video_id, posts in expiring.items():
        verdict.notices += 1
        verdict.problems += _check_expiring(world.gateway.jobs[video_id], posts, world)
    verdict.problems += _check_notices(notices, world, database.transact(_notices))
    verdict.problems += _check_budget(world)
    return verdict


def _check_unlisted(
    job: Job, posts: list[Post], world: World, verdict: Verdict, reasons: Reasons
) -> Iterator[str]:
    """Find a job that was on the list without an event, and an event of the baseline."""
    last, shown = world.history.branches[-1], world.gateway.shown
    kept = [at for at in shown.get(job.video_id, ()) if last.remembers(at)]
    baseline = min((at for at in world.baselines if last.remembers(at)), default=math.inf)
    if posts or (job.at > baseline and len([at for at in kept if _is_calm(at, world)]) >= _SEEN):
        verdict.discovered += 1
        yield from _check_job(job, posts, world, verdict, reasons)
    else:
        verdict.hidden += 1
    since = next((began for began in world.began if began >= world.discovers_from), math.inf)
    heads = (at for at in world.gateway.heads if at >= since and last.remembers(at))
    first = min(heads, default=math.inf)
    if posts and job.ends_at is not None and job.ends_at < first:
        yield f"unexpected: an event about {job.video_id}, which was over at the first start"


def _is_calm(at: float, world: World) -> bool:
    """Return whether the daemon lived on for long enough to commit what it read."""
    return not any(at - 1 < began <= at + _COMMITTED_WITHIN for began in world.began)


def _check_expiring(job: Job, posts: list[Post], world: World) -> Iterator[str]:
    """Find a second notice of one state, one that came too early, and one of another ending."""
    if job.ending != "completed" or job.ends_at is None:
        yield f"unexpected: a notice about {job.video_id} ({job.ending})"
        return
    # between two lives the calendar alone counts, and it is set now and then
    if any(post.at < job.ends_at for post in posts):
        yield f"too early: a notice about {job.video_id}"
    for branch in world.history.branches:
        remembered = [post for post in posts if branch.remembers(post.at)]
        # who lists by another id of one job has a watch, and so a notice, for each
        ids = {(post.event_id, json.loads(post.body)["data"]["id"]) for post in remembered}
        if len({event_id for event_id, _ in ids}) > len({video_id for _, video_id in ids}):
            yield f"two notices: {job.video_id}"
        if len({post.body for post in remembered}) > len(ids):
            yield f"changed bytes: a notice about {job.video_id}"


def _remembered(posts: list[Post], world: World) -> list[Post]:
    """Return the posts that the state at the end can know of."""
    last = world.history.branches[-1]
    return [post for post in posts if last.remembers(post.at)]


def _ended(db: sqlite3.Connection) -> set[str]:
    """Return the videos whose event the state has, also of watches that were withdrawn since."""
    rows = db.execute(
        "SELECT w.video_id FROM events e JOIN watches w ON w.id = e.watch WHERE e.kind = 'ending'"
    )
    return {name_of(video_id) for (video_id,) in rows}


def _given_up(db: sqlite3.Connection) -> Reasons:
    """Return why a delivery was given up, by (video, endpoint)."""
    rows = db.execute(
        "SELECT w.video_id, d.endpoint, d.reason FROM deliveries d JOIN events e ON e.id = d.event"
        " JOIN watches w ON w.id = e.watch WHERE d.state = 'dead' AND e.kind = 'ending'"
    )
    return {(name_of(video_id), endpoint): reason for video_id, endpoint, reason in rows}


def _notices(db: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return event, endpoint and state of the deliveries of events about endpoints."""
    return db.execute(
        "SELECT d.event, d.endpoint, d.state FROM deliveries d JOIN events e ON e.id = d.event"
        " WHERE e.about IS NOT NULL"
    ).fetchall()


def _check_identity(job: Job, posts: list[Post], world: World, verdict: Verdict) -> Iterator[str]:
    """Find a second id of a watch that was taken once, and bytes that one state changed."""
    history, name = world.history, f"{job.video_id} ({job.ending})"
    ids = defaultdict[Branch, set[str]](set)
    if job.video_id not in world.listings.unlisted:
        # somebody may list by the id of its creation what discovery has already reported
        posts = [post for post in posts if json.loads(post.body)["data"]["id"] == job.video_id]
    for post in posts:
        ids[history.branch_at(post.at).took(job.video_id)].add(post.event_id)
    if any(len(of_one) > 1 for of_one in ids.values()):
        yield f"two events: {name}"
    for branch in history.branches:
        remembered = [post for post in posts if branch.remembers(post.at)]
        if len({post.event_id for post in remembered}) > 1:
            yield f"two events: {name} in one state"
        if len({post.body for post in remembered}) > 1:
            yield f"changed bytes: {name}"
    all_ids = {post.event_id for post in posts}
    verdict.renewed += max(len(all_ids) - 1, 0)
    kept = {post.event_id for post in _remembered(posts, world)}
    forgotten = {post.event_id for post in posts if not history.branches[-1].remembers(post.at)}
    verdict.repeated += len(kept & forgotten)


def _check_notices(
    notices: dict[str, list[Post]], world: World, recorded: list[tuple[str, str, str]]
) -> Iterator[str]:
    """Find an event about an endpoint that changed, or that the last state has not delivered."""
    for event_id, posts in notices.items():
        if len({post.body for post in posts}) > 1:
            yield f"changed bytes: {event_id}"
    for event_id, endpoint, state in recorded:
        kept = _remembered(notices[event_id], world)
        here = [post for post in kept if post.endpoint == endpoint]
        gave_up = state == "dead" and len(here) > len(SCHEDULE)
        if not gave_up and not any(post.taken for post in here):
            yield f"lost: {event_id} at {endpoint}, {state}, {len(here)} attempts"


def _check_job(
    job: Job, posts: list[Post], world: World, verdict: Verdict, reasons: Reasons
) -> Iterator[str]:
    verdict.events += 1
    for endpoint in ENDPOINTS:
        here = [post for post in posts if post.endpoint == endpoint]
        taken = [post for post in here if post.taken]
        verdict.duplicates += max(len(taken) - 1, 0)
        if taken:
            yield from _check_time(job, endpoint, taken[0], world, verdict)
        elif reasons.get((job.video_id, endpoint)) and len(here) > len(SCHEDULE):
            verdict.dead += 1
        else:
            yield f"lost: {job.video_id} ({job.ending}) at {endpoint}, {len(here)} attempts"


def _check_time(
    job: Job, endpoint: str, first: Post, world: World, verdict: Verdict
) -> Iterator[str]:
    """Find an event that came late although nothing was in trouble around the job's end."""
    if job.ends_at is None or world.gateway.fault_rate > _CALM:
        return
    window = (job.ends_at - 600, job.ends_at + DETECTED_WITHIN)
    if any(world.gateway.is_refused(job.video_id, at) for at in (job.at, job.ends_at)):
        return
    troubles = [
        *world.history.erased(),
        *world.gateway.outages,
        *(span for spans in world.gateway.dead_keys.values() for span in spans),
        *world.receivers.down[endpoint],
        *world.receivers.gone[endpoint],
        *world.receivers.unreached[endpoint],
    ]
    # what a file listed before it broke is watched all the same, unless a restore forgot it
    taken = [job.at, *(end for start, end in world.history.erased() if start <= job.at < end)]
    broken = world.listings.broken.values()
    unlisted = any(within(spans, at) for spans in broken for at in taken)
    listings = world.listings
    moved = any(
        job.video_id in each for each in (listings.moved, listings.withdrawn, listings.unlisted)
    )
    if moved or unlisted or any(start < window[1] and end > window[0] for start, end in troubles):
        return
    verdict.timely += 1
    if first.at > window[1]:
        yield f"late: {job.video_id} ended {job.ends_at:.0f}, at {endpoint} {first.at:.0f}"


def _check_post(job: Job, post: Post, world: World) -> Iterator[str]:
    name, kind = f"{job.video_id} ({job.ending})", json.loads(post.body)["type"].split(".")[1]
    # a job that ended, or was forgotten, while nobody could ask may have timed out by then
    allowed = {job.ending, "timed_out"}
    if job.ending == "stuck" or world.gateway.has_forgotten(job, post.at):
        allowed.add("lost")
    if kind not in allowed:
        yield f"wrong ending: {name} reported as {kind}"
    if kind in {"completed", "failed", "cancelled"} and (
        job.ends_at is None or post.at < job.ends_at
    ):
        yield f"too early: {name} at {post.at}"


def _check_budget(world: World) -> Iterator[str]:
    """Find a second in which one life of the daemon asked more often than its budget."""
    window = int(BUDGET)
    for life, count in Counter(life for life, _ in world.asked).items():
        asked = [at for of, at in world.asked if of == life]
        if count != len(asked) or asked != sorted(asked):
            yield "time ran backwards"
        for first, last in zip(asked, asked[window:], strict=False):
            if last - first < 1 - 1e-6:
                yield f"over budget at {first}"
                return
