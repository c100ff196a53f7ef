"""The simulated gateway: jobs that end when the seed says, in the dialect of one gateway.

Faults are such as real gateways show: silence, resets, rate limits, HTML, halves of JSON,
answers about another video, replicas that do not know a job. Its list may lag behind, say the same
for ever, be slow or limited. Jobs of one upstream of two are refused while its key is dead,
some jobs belong to another account, and now and then the key itself is dead. Some forget a job
a day or two after its end.
"""

import base64
import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import trio

from notifier.errors import TransportError
from notifier.http_client import HttpResponse
from notifier.model.video_ids import encoded_id

_WORDS = {
    "completed": ("completed", "succeeded", "SUCCESS"),
    "failed": ("failed", "error", "FAILURE"),
    "cancelled": ("cancelled", "canceled"),
}
_RUNNING = ("queued", "processing", "in_progress", "unknown", "flummoxed")
_NO_SUCH_VIDEO = (
    HttpResponse(404, {}, b'{"error": {"code": "video_not_found", "message": "no"}}'),
    HttpResponse(
        400, {}, b'{"code": "task_not_exist", "message": "task_not_exist", "data": null}'
    ),
    HttpResponse(404, {}, b'{"detail": "Video not found"}'),
)

_REFUSALS = (
    HttpResponse(401, {}, b'{"error": {"message": "Incorrect API key provided", "code": "401"}}'),
    HttpResponse(403, {}, b'{"error": {"message": "You do not have access to this video"}}'),
)
_UPSTREAMS = ("even", "odd")
_FOREIGN = 11
"""One in so many jobs belongs to another account."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Job:
    """A job: created at `at`, over at `ends_at` (virtual seconds; None: never) as `ending`."""

    video_id: str
    at: float
    ends_at: float | None
    ending: str


def within(spans: list[Span], now: float) -> bool:
    """Tell whether `now` is in one of `spans`."""
    return any(start <= now < end for start, end in spans)


def _plain(job: Job, word: str, error: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    video = {"id": job.video_id, "object": "video", "status": word, "error": error}
    return HttpResponse(200, {}, json.dumps(video).encode())


def _enveloped(job: Job, word: str, error: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    reason = error["message"] if error else ""
    data = {"task_id": job.video_id, "status": word, "fail_reason": reason, "progress": "50%"}
    return HttpResponse(
        200, {}, json.dumps({"code": "success", "message": "", "data": data}).encode()
    )


def _failing_loudly(job: Job, word: str, error: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    return HttpResponse(500 if error else 200, {}, _plain(job, word, error).body)


def encoded(job: Job, rng: Random) -> str:
    """Return an id by which LiteLLM lists a job: another one each time, about the same video."""
    inner = f"model_id:{rng.getrandbits(32):x};video_id:{job.video_id}"
    text = f"litellm:custom_llm_provider:openai;{inner}"
    return "video_" + base64.b64encode(text.encode()).decode()


def name_of(video_id: str) -> str:
    """Return the id of the job that an id of a list or an event means."""
    found = encoded_id(video_id)
    return video_id if found is None else found.inner


def _renamed(job: Job, word: str, error: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    video = {"id": f"enc_{job.video_id}", "object": "video", "status": word, "error": error}
    return HttpResponse(200, {}, json.dumps(video).encode())


DIALECTS: dict[str, Callable[[Job, str, Any], HttpResponse]] = {
    "openai": _plain,
    "new-api-legacy": _enveloped,
    "vllm-omni": _failing_loudly,
    "litellm": _renamed,
}


@dataclass
class Gateway:
    """A gateway with `jobs` that is down in `outages` and spoils `fault_rate` of its answers.

    It forgets a job when `forgets_after` seconds have passed since it ended. By its clock, virtual
    time began at `created_at_by`; None if its list has no times. `heads` has the moments at
    which the head of the list was read, `shown` those at which a job was on it.
    """

    rng: Random
    jobs: dict[str, Job]
    outages: list[Span]
    dialect: str = field(init=False)
    fault_rate: float = field(init=False)
    forgets_after: float = field(init=False)
    lists: str = field(init=False)
    created_at_by: float | None = field(init=False)
    dead_keys: Mapping[str, list[Span]] = field(default_factory=dict)
    shown: dict[str, list[float]] = field(
        default_factory=lambda: defaultdict[str, list[float]](list)
    )
    heads: list[float] = field(default_factory=list)
    _missing: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dialect = self.rng.choice(sorted(DIALECTS))
        self.fault_rate = self.rng.choice([0.0, 0.05, 0.3, 0.6])
        self.forgets_after = self.rng.choice([math.inf, 86_400.0, 2 * 86_400.0])
        self.created_at_by = self.rng.choice([None, 1_760_000_000.0, 1_759_000_000.0])
        self.lists = self.rng.choice(
            ["good", "lying", "without after", "none", "stale", "lagging", "slow", "limited"]
        )

    async def answer(self, video_id: str, deadline: float) -> HttpResponse:
        """Answer one status request; raises TransportError."""
        video_id = name_of(video_id)
        if within(self.outages, trio.current_time()):
            raise TransportError("connect", "outage")
        if self.is_refused(video_id, trio.current_time()):
            return self.rng.choice(_REFUSALS)
        if self.rng.random() < self.fault_rate:
            return await self._fault(video_id, deadline)
        self._missing.discard(video_id)
        return self._status(self.jobs[video_id])

    def has_forgotten(self, job: Job, now: float) -> bool:
        """Return whether a job has been over for so long that no answer knows it."""
        return job.ends_at is not None and now >= job.ends_at + self.forgets_after

    def is_refused(self, video_id: str, now: float) -> bool:
        """Return whether a job belongs to another account, or the key for it is dead."""
        number = int(video_id.rpartition("_")[2])
        spans = (*self.dead_keys.get("all", ()), *self.dead_keys.get(_UPSTREAMS[number % 2], ()))
        return number % _FOREIGN == 0 or within(list(spans), now)

    async def page(self, query: Mapping[str, str], deadline: float) -> HttpResponse:
        """Answer one list request, the newest job first; raises TransportError."""
        if within(self.outages, trio.current_time()):
            raise TransportError("connect", "outage")
        if self.rng.random() < self.fault_rate:
            return await self._fault("", deadline)
        if self.lists == "slow":
            await trio.sleep(25.0)
        if self.lists == "limited":
            return HttpResponse(429, {"retry-after": "30"}, b"{}")
        if self.lists == "none":
            return HttpResponse(404, {}, b'{"error": {"message": "Invalid URL (GET /v1/videos)"}}')
        now = trio.current_time()
        jobs = reversed(self.jobs.values())
        listed = [job for job in jobs if job.at <= now and not self.has_forgotten(job, now)]
        names = [job.video_id for job in listed]
        after = query.get("after", "") if self.lists != "without after" else ""
        first = names.index(after) + 1 if after in names else 0
        page = listed[first : first + int(query["limit"])]
        items = [self._item(job) for job in page]
        if not after:
            self.heads.append(now)
            for job, item in zip(page, items, strict=True):
                if item.get("id") or item.get("data"):
                    self.shown[job.video_id].append(now)
        return HttpResponse(200, {}, json.dumps({"object": "list", "data": items}).encode())

    def _item(self, job: Job) -> Any:  # noqa: ANN401 - JSON
        if self.lists == "lying":
            word = self.rng.choice([*_RUNNING, *_WORDS["completed"], *_WORDS["failed"]])
            item: Any = {"id": job.video_id, "object": "video", "status": word}
        else:
            behind = {"stale": float("inf"), "lagging": 15.0}.get(self.lists, 0.0)
            item = json.loads(self._status(job, behind).body)
        if self.dialect == "litellm" and "id" in item:
            item["id"] = encoded(job, self.rng)
        if self.created_at_by is not None:
            item["created_at"] = int(self.created_at_by + job.at)
        return item

    async def _fault(self, video_id: str, deadline: float) -> HttpResponse:
        other = {"id": "another-video", "object": "video", "status": "completed"}
        faults: list[TransportError | HttpResponse] = [
            TransportError("timeout", ""),
            TransportError("reset", ""),
            HttpResponse(429, {"retry-after": str(self.rng.randrange(100))}, b""),
            HttpResponse(500, {}, b"oops"),
            HttpResponse(502, {}, b'{"error": {"message": "backend video-svc not found"}}'),
            HttpResponse(200, {"content-type": "text/html"}, b"<html>"),
            HttpResponse(200, {}, b'{"id": "video_'),
            HttpResponse(202, {}, b""),
            self._replica(video_id),
        ]
        if self.dialect != "litellm":  # that one's other ids are to be believed
            faults.append(HttpResponse(200, {}, json.dumps(other).encode()))
        fault = self.rng.choice(faults)
        if isinstance(fault, TransportError):
            await trio.sleep(deadline if fault.kind == "timeout" else 0)
            raise fault
        return fault

    def _replica(self, video_id: str) -> HttpResponse:
        """Be a replica that does not know the job.

        Never three times between good answers: that is how the gateway itself would tell that
        a job is gone.
        """
        if video_id in self._missing:
            return HttpResponse(503, {}, b"")
        self._missing.add(video_id)
        return self.rng.choice(_NO_SUCH_VIDEO)

    def _status(self, job: Job, behind: float = 0.0) -> HttpResponse:
        now = trio.current_time() - behind
        over = job.ends_at is not None and now >= job.ends_at
        if (over and job.ending == "lost") or self.has_forgotten(job, now):
            return self.rng.choice(_NO_SUCH_VIDEO)
        word = self.rng.choice(_WORDS[job.ending] if over else _RUNNING)
        error = {"code": "boom", "message": "it broke"} if word in _WORDS["failed"] else None
        return DIALECTS[self.dialect](job, word, error)
