"""The simulated gateway: the jobs, and the requests of `/v1/videos`.

Jobs do not run; each answer computes the job's state at that moment. Faults come from a script
for one video (tests) or by chance (`--fault`), and apply to status requests only.
"""

import hmac
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from notifier.http_server import Request, Response, Wire, json_response
from notifier.model.status import Status
from notifier.sandbox.dialects import Moment
from notifier.sandbox.faults import Fault, FaultContext, apply_fault
from notifier.sandbox.forms import FormError, read_form
from notifier.sandbox.job_script import read_prompt
from notifier.sandbox.jobs import Ending, Job
from notifier.sandbox.listing import LIST_FAULTS
from notifier.sandbox.mp4 import CLIP
from notifier.sandbox.paging import PageError, read_paging
from notifier.sandbox.profiles import PROFILES
from notifier.sandbox.responses import refusal, wrong_key

_SHORTEST, _LONGEST = 60.0, 180.0
_INSTANT = 0.001
_REFRESH = 5.0
_MOST_JOBS = 10_000
_MOST_REQUESTS = 10_000
_FIELD = 200
_LISTS = ""  # stands for lists where a video's id would stand


class RecordedRequest(NamedTuple):
    """A request that arrived: `path` as sent, `at` in Unix seconds."""

    method: str
    path: str
    at: float


class Sandbox:
    """A simulated gateway; `handle` is a `notifier.http_server` handler.

    `profile` is a name in `PROFILES`. `speed` divides every duration. `duration` (seconds,
    before speed) is for jobs whose prompt names none; without it they take one to three
    minutes. The attribute `on_created` is called with every new job. The oldest jobs
    and requests are forgotten beyond 10,000. Raises ValueError for an unknown profile or an
    impossible speed.
    """

    def __init__(
        self,
        *,
        profile: str = "openai",
        speed: float = 1.0,
        faults: Sequence[Fault] = (),
        api_key: str | None = None,
        duration: float | None = None,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        if profile not in PROFILES:
            raise ValueError(f"no profile is called {profile!r}: use {', '.join(PROFILES)}")
        if not 0 < speed < math.inf:
            raise ValueError("speed must be above 0")
        self.on_created: Callable[[Job], None] = lambda _job: None
        self.requests: deque[RecordedRequest] = deque(maxlen=_MOST_REQUESTS)
        self._profile = PROFILES[profile]
        self._speed = speed
        self._faults = tuple(faults)
        self._api_key = api_key
        self._duration = duration
        self._now = now
        self._rng = rng or random.Random()  # noqa: S311 - chance, not secrecy
        self._jobs: dict[str, Job] = {}
        self._scripts: dict[str, deque[str | None]] = {}
        self._polls: dict[str, int] = {}
        self._last_fault: dict[str, str | None] = {}

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Every job by its id, oldest first."""
        return MappingProxyType(self._jobs)

    def create(
        self,
        *,
        prompt: str = "",
        model: str = "sora-2",
        seconds: str = "4",
        size: str = "720x1280",
        video_id: str | None = None,
        duration: float | None = None,
        ending: str | None = None,
    ) -> Job:
        """Start a job as if it had been POSTed.

        `duration` (seconds, before speed) and `ending` win over what the prompt says. Raises
        ValueError for an unknown ending.
        """
        wish = read_prompt(prompt)
        job = Job(
            id=self._profile.new_id(self._rng) if video_id is None else video_id,
            created_at=self._now(),
            duration=self._seconds(duration, wish.duration) / self._speed,
            step=_REFRESH / self._speed,
            ending=wish.ending if ending is None else Ending(ending),
            prompt=prompt[:_FIELD],
            model=model[:_FIELD],
            seconds=seconds[:_FIELD],
            size=size[:_FIELD],
        )
        self._jobs[job.id] = job
        if len(self._jobs) > _MOST_JOBS:
            self._forget(next(iter(self._jobs)))
        self.on_created(job)
        return job

    def script(self, video_id: str, faults: Iterable[str | None]) -> None:
        """Set the faults of the next status requests of one video: a kind, or None, for each.

        The id "" stands for lists. Raises ValueError for an unknown kind.
        """
        kinds = [None if kind is None else Fault(kind).kind for kind in faults]
        self._scripts.setdefault(video_id, deque()).extend(kinds)

    async def handle(self, request: Request, wire: Wire) -> Response | None:
        """Answer one request."""
        self.requests.append(RecordedRequest(request.method, request.path, self._now()))
        return await self._route(request, wire) if self._is_authorized(request) else wrong_key()

    async def _route(self, request: Request, wire: Wire) -> Response | None:
        match (request.method, request.segments):
            case ("POST", ("v1", "videos")):
                return self._post(request)
            case ("GET", ("v1", "videos")):
                return await self._listed(request, wire)
            case ("GET", ("v1", "videos", shown)):
                job_id = self._profile.job_id(shown)
                return await self._spoiled(job_id, self._retrieve(job_id, request), wire)
            case ("DELETE", ("v1", "videos", shown)):
                return self._delete(shown)
            case ("GET", ("v1", "videos", shown, "content")):
                return self._content(shown)
            case _:
                where = f"Invalid URL ({request.method} {request.path[:_FIELD]})"
                return refusal(HTTPStatus.NOT_FOUND, where)

    def _is_authorized(self, request: Request) -> bool:
        if self._api_key is None:
            return True
        offered = request.headers.get("api-key", "")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            offered = token.strip()
        return hmac.compare_digest(offered.encode(), self._api_key.encode())

    def _seconds(self, *wishes: float | None) -> float:
        given = (wish for wish in (*wishes, self._duration) if wish is not None)
        return max(next(given, self._rng.uniform(_SHORTEST, _LONGEST)), _INSTANT)

    def _moment(self, job: Job, request: Request) -> Moment | None:
        """Return the job as an answer describes it now; None once it is forgotten."""
        now = self._now()
        seen = job.at(now)
        if seen is None:
            return None
        origin = f"http://{request.headers.get('host', 'localhost')}"
        return Moment(seen._replace(id=self._profile.shown_id(job.id, self._rng)), now, origin)

    def _post(self, request: Request) -> Response:
        try:
            form = read_form(request.headers.get("content-type", ""), request.body)
        except FormError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error))
        if not form.get("prompt"):
            message = "Missing required parameter: 'prompt'."
            code = "missing_required_parameter"
            return refusal(HTTPStatus.BAD_REQUEST, message, code, "prompt")
        job = self.create(
            prompt=form["prompt"],
            model=form.get("model") or "sora-2",
            seconds=form.get("seconds") or "4",
            size=form.get("size") or "720x1280",
        )
        return self._described(job, request)

    def _retrieve(self, job_id: str, request: Request) -> Response:
        job = self._jobs.get(job_id)
        if job is None:
            return self._profile.missing(job_id)
        self._polls[job_id] = self._polls.get(job_id, 0) + 1
        every = self._profile.misses_every
        if every and self._polls[job_id] % every == 0:
            return self._profile.missing(job_id)
        return self._described(job, request)

    def _described(self, job: Job, request: Request) -> Response:
        moment = self._moment(job, request)
        if moment is None:
            return self._profile.missing(job.id)
        return self._profile.answer(moment, self._speed)

    async def _listed(self, request: Request, wire: Wire) -> Response | None:
        kind = self._due_fault(_LISTS)
        if kind is not None and kind in LIST_FAULTS:
            return LIST_FAULTS[kind](request.query, partial(self._list, request))
        return await self._with_fault(kind, _LISTS, self._list(request, request.query), wire)

    def _list(self, request: Request, query: Mapping[str, str]) -> Response:
        now = self._now()
        alive = [(job.id, job) for job in self._jobs.values() if job.status_at(now) is not None]
        try:
            paging = read_paging(query)
            if paging.after is not None:
                paging = replace(paging, after=self._profile.job_id(paging.after))
            jobs, more = paging.cut(alive)
        except PageError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error), "invalid_value", error.param)
        moments = (self._moment(job, request) for job in jobs)
        page = [moment for moment in moments if moment is not None]
        body = {
            "object": "list",
            "data": [self._profile.describe(moment) for moment in page],
            "first_id": page[0].seen.id if page else None,
            "last_id": page[-1].seen.id if page else None,
            "has_more": more,
        }
        return json_response(body)

    def _delete(self, shown: str) -> Response:
        job_id = self._profile.job_id(shown)
        if not self._alive(job_id):
            return self._profile.missing(job_id)
        self._forget(job_id)
        return json_response({"id": shown, "object": "video.deleted", "deleted": True})

    def _content(self, shown: str) -> Response:
        job_id = self._profile.job_id(shown)
        if not self._alive(job_id):
            return self._profile.missing(job_id)
        if self._jobs[job_id].status_at(self._now()) is not Status.COMPLETED:
            message = "The video is not ready: ask for its status until it is completed."
            return refusal(HTTPStatus.CONFLICT, message, "video_not_ready")
        return Response(HTTPStatus.OK, {"content-type": "video/mp4"}, CLIP)

    def _alive(self, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        return job is not None and job.status_at(self._now()) is not None

    def _forget(self, job_id: str) -> None:
        for table in (self._jobs, self._scripts, self._polls, self._last_fault):
            table.pop(job_id, None)

    async def _spoiled(self, job_id: str, right: Response, wire: Wire) -> Response | None:
        """Apply the fault that is due, if any, to `right`."""
        return await self._with_fault(self._due_fault(job_id), job_id, right, wire)

    async def _with_fault(
        self, kind: str | None, job_id: str, right: Response, wire: Wire
    ) -> Response | None:
        if kind is None or kind in LIST_FAULTS:
            return right
        missing = self._profile.missing(job_id)
        return await apply_fault(kind, FaultContext(right, missing, wire, self._speed))

    def _due_fault(self, job_id: str) -> str | None:
        script = self._scripts.get(job_id)
        if script:
            return script.popleft()
        last = self._last_fault.get(job_id)
        fits = (f for f in self._faults if job_id == _LISTS or f.kind not in LIST_FAULTS)
        kind = next((f.kind for f in fits if self._rng.random() < f.probability), None)
        if kind == last == "flaky-404":
            # this fault simulates one replica that lags: the next answer knows the video again
            kind = None
        if job_id in self._jobs:
            self._last_fault[job_id] = kind
        return kind
