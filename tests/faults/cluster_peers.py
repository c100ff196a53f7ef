"""A gateway and a receiver that tell the instances of a cluster apart by a header."""

import json
import time
from dataclasses import dataclass, field
from random import Random

from standardwebhooks import Webhook

from notifier.http_server import Request, Response, Wire, json_response
from notifier.model.event import EventType
from tests.faults.cluster_check import Poll, Post, Record

HEADER = "x-instance"

_ENDINGS = {
    "completed": EventType.COMPLETED,
    "failed": EventType.FAILED,
    "cancelled": EventType.CANCELLED,
}
_REFUSED = 0.1


@dataclass
class Job:
    """A video that runs until `ends_at`."""

    created_at: float
    ends_at: float
    status: str


@dataclass
class Gateway:
    """Runs jobs, each of a model of its own, so that none is like one before."""

    record: Record
    rng: Random
    jobs: dict[str, Job] = field(default_factory=dict)

    def create(self, video: str, duration: float) -> None:
        """Start a job that ends after `duration` seconds."""
        status = self.rng.choice(list(_ENDINGS))
        self.jobs[video] = Job(time.time(), time.time() + duration, status)
        self.record.expected[video] = _ENDINGS[status].value

    @property
    def running(self) -> int:
        """How many jobs have not ended."""
        return sum(job.ends_at > time.time() for job in self.jobs.values())

    async def handle(self, request: Request, _: Wire) -> Response:
        """Answer a request about one video."""
        video, now = request.segments[-1], time.time()
        job = self.jobs.get(video)
        if job is None:
            return json_response({"error": {"message": f"no list: {request.path}"}}, 404)
        is_over = now >= job.ends_at
        self.record.polls.append(Poll(now, request.headers[HEADER], video, is_over))
        answer = {
            "id": video,
            "object": "video",
            "model": f"model-of-{video}",
            "created_at": int(job.created_at),
            "status": job.status if is_over else "in_progress",
        }
        if is_over and job.status == "failed":
            answer["error"] = {"code": "made_up", "message": "it failed"}
        return json_response(answer)


@dataclass
class Receiver:
    """Verifies every event, refuses a tenth, and records all."""

    record: Record
    rng: Random
    secret: str
    problems: list[str] = field(default_factory=list)

    async def handle(self, request: Request, _: Wire) -> Response:
        """Take an event, or refuse it."""
        try:
            Webhook(self.secret).verify(request.body, dict(request.headers))
        except Exception as error:  # noqa: BLE001 - whatever a verifier objects to
            self.problems.append(f"signature: {error!r}")
        event = json.loads(request.body)
        is_received = self.rng.random() >= _REFUSED
        self.record.posts.append(
            Post(
                time.time(),
                request.headers[HEADER],
                event["data"]["id"],
                event["type"],
                request.headers["webhook-id"],
                request.body,
                is_received,
            )
        )
        return Response(204 if is_received else 503)
