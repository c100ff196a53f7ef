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
from typing import NamedTuple

from notifier.http_server import Request, Response, Wire, json_response
from notifier.model.status import Status
from notifier.sandbox import refusals
from notifier.sandbox.assets import ASSETS
from notifier.sandbox.characters import Characters
from notifier.sandbox.dialects import Moment
from notifier.sandbox.fault_plan import LISTS, FaultPlan
from notifier.sandbox.faults import Fault, FaultContext, apply_fault
from notifier.sandbox.forms import Form, FormError, read_form
from notifier.sandbox.job_requests import JobRequest, JobRequests, RefusedRequestError
from notifier.sandbox.job_script import JobScript, read_prompt
from notifier.sandbox.job_store import JobStore
from notifier.sandbox.jobs import Ending, Job
from notifier.sandbox.listing import LIST_FAULTS
from notifier.sandbox.paging import PageError, read_paging
from notifier.sandbox.profiles import PROFILES
from notifier.sandbox.responses import not_ready, refusal, wrong_key

_SHORTEST, _LONGEST = 60.0, 180.0
_INSTANT = 0.001
_REFRESH = 5.0
_MOST_REQUESTS = 10_000
_FIELD = 200


class RecordedRequest(NamedTuple):
    """A request that arrived: `path` as sent, `at` in Unix seconds."""

    method: str
    path: str
    at: float


class Sandbox:
    """A simulated gateway; `handle` is a `notifier.http_server` handler.

    `profile` is a name in `PROFILES`. `speed` divides every duration. `duration` (seconds,
    before speed) is for jobs whose prompt names none; without it they take one to three
    minutes. The attribute `on_created` is called with every new job; `api_key` may be changed.
    The oldest jobs and requests are forgotten beyond 10,000. Raises ValueError for an unknown
    profile or an impossible speed.
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
        self.api_key = api_key
        self._duration = duration
        self._now = now
        self._rng = rng or random.Random()  # noqa: S311 - chance, not secrecy
        self._faults = FaultPlan(faults, self._rng)
        self._jobs = JobStore(self._faults.forget)
        self._characters = Characters(now, self._rng)
        self._job_requests = JobRequests(self._find, self._missing, now)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Every job by its id, oldest first."""
        return self._jobs.all

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
        chosen = None if ending is None else Ending(ending)
        script = read_prompt(prompt).overridden(chosen, duration)
        return self._start(JobRequest(prompt, model, seconds, size), script, video_id)

    def _start(self, asked: JobRequest, script: JobScript, video_id: str | None = None) -> Job:
        job = Job(
            id=self._profile.new_id(self._rng) if video_id is None else video_id,
            created_at=self._now(),
            duration=self._seconds(script.duration) / self._speed,
            step=_REFRESH / self._speed,
            ending=script.ending,
            prompt=asked.prompt[:_FIELD],
            model=asked.model[:_FIELD],
            seconds=asked.seconds[:_FIELD],
            size=asked.size[:_FIELD],
            remix_of=asked.remix_of,
        )
        self._jobs.add(job)
        self.on_created(job)
        return job

    def script(self, video_id: str, faults: Iterable[str | None]) -> None:
        """Set the faults of the next status requests of one video: a kind, or None, for each.

        The id "" stands for lists. Raises ValueError for an unknown kind.
        """
        self._faults.script(video_id, faults)

    async def handle(self, request: Request, wire: Wire) -> Response | None:
        """Answer one request."""
        self.requests.append(RecordedRequest(request.method, request.path, self._now()))
        if not self._is_authorized(request):
            return wrong_key()
        try:
            if request.method == "POST":
                return self._post(request)
            return await self._route(request, wire)
        except FormError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error))
        except RefusedRequestError as refused:
            return refused.response

    async def _route(self, request: Request, wire: Wire) -> Response | None:
        match (request.method, request.segments):
            case ("GET", ("v1", "videos")) if self._profile.lists:
                return await self._listed(request, wire)
            case ("GET", ("v1", "videos", shown)):
                job_id = self._profile.job_id(shown)
                return await self._spoiled(job_id, self._retrieve(job_id, request), wire)
            case ("DELETE", ("v1", "videos", shown)):
                return self._delete(shown)
            case ("GET", ("v1", "videos", "characters", character_id)):
                return self._characters.retrieve(character_id)
            case ("GET", ("v1", "videos", shown, "content")):
                return self._content(shown, request.query.get("variant", "video"))
            case _:
                return _no_such_path(request)

    def _post(self, request: Request) -> Response:
        match request.segments:
            case ("v1", "videos"):
                return self._started(self._job_requests.create(_form(request)), request)
            case ("v1", "videos", "edits"):
                return self._started(self._job_requests.edit(_form(request)), request)
            case ("v1", "videos", "extensions"):
                return self._started(self._job_requests.extend(_form(request)), request)
            case ("v1", "videos", "characters"):
                return self._characters.create(_form(request))
            case ("v1", "videos", shown, "remix"):
                return self._started(self._job_requests.remix(_form(request), shown), request)
            case _:
                return _no_such_path(request)

    def _is_authorized(self, request: Request) -> bool:
        if self.api_key is None:
            return True
        offered = request.headers.get("api-key", "")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            offered = token.strip()
        return hmac.compare_digest(offered.encode(), self.api_key.encode())

    def _seconds(self, asked: float | None) -> float:
        seconds = self._duration if asked is None else asked
        return max(
            self._rng.uniform(_SHORTEST, _LONGEST) if seconds is None else seconds, _INSTANT
        )

    def _find(self, shown: str) -> Job | None:
        return self._jobs.alive(self._profile.job_id(shown), self._now())

    def _missing(self, shown: str) -> Response:
        return self._profile.missing(self._profile.job_id(shown))

    def _moment(self, job: Job, request: Request, at: float) -> Moment | None:
        """Return the job as an answer describes it at `at`; None once it is forgotten."""
        seen = job.at(at)
        if seen is None:
            return None
        origin = f"http://{request.headers.get('host', 'localhost')}"
        return Moment(seen._replace(id=self._profile.shown_id(job.id, self._rng)), at, origin)

    def _started(self, asked: JobRequest, request: Request) -> Response:
        job = self._start(asked, read_prompt(asked.prompt))
        moment = self._moment(job, request, self._now())
        if moment is None:
            return self._profile.missing(job.id)
        return self._profile.created(moment, self._speed)

    def _retrieve(self, job_id: str, request: Request) -> Response:
        job = self._jobs.get(job_id)
        if job is None:
            return self._profile.missing(job_id)
        retrievals = self._jobs.retrieved(job_id, self._now())
        every = self._profile.misses_every
        moment = self._moment(job, request, self._now())
        if moment is None or (every and retrievals % every == 0):
            return self._profile.missing(job_id)
        return self._profile.answer(moment, self._speed)

    async def _listed(self, request: Request, wire: Wire) -> Response | None:
        header = self._profile.list_header
        if header is not None and header not in request.headers:
            return refusals.litellm_without_provider()
        kind = self._faults.next_for(LISTS, known=False)
        if kind is not None and kind in LIST_FAULTS:
            return LIST_FAULTS[kind](request.query, partial(self._list, request))
        return await self._with_fault(kind, LISTS, self._list(request, request.query), wire)

    def _list(self, request: Request, query: Mapping[str, str]) -> Response:
        now = self._now()
        alive = [(job.id, job) for job in self.jobs.values() if job.status_at(now) is not None]
        try:
            paging = read_paging(query if self._profile.lists_page else {})
            if paging.after is not None:
                paging = replace(paging, after=self._profile.job_id(paging.after))
            jobs, more = paging.cut(alive)
        except PageError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error), "invalid_value", error.param)
        stale = self._profile.stale_lists
        times = (self._jobs.last_retrieved(job) if stale else now for job in jobs)
        moments = (self._moment(job, request, at) for job, at in zip(jobs, times, strict=True))
        return json_response(self._profile.page([m for m in moments if m is not None], more=more))

    def _delete(self, shown: str) -> Response:
        job = self._find(shown)
        if job is None:
            return self._missing(shown)
        self._jobs.forget(job.id)
        return json_response({"id": shown, "object": "video.deleted", "deleted": True})

    def _content(self, shown: str, variant: str) -> Response:
        job = self._find(shown)
        if job is None:
            return self._missing(shown)
        if variant not in ASSETS:
            message = f"'variant' must be one of {', '.join(ASSETS)}."
            return refusal(HTTPStatus.BAD_REQUEST, message, "invalid_value", "variant")
        if job.status_at(self._now()) is not Status.COMPLETED:
            return not_ready()
        asset = ASSETS[variant]
        return Response(HTTPStatus.OK, {"content-type": asset.content_type}, asset.data)

    async def _spoiled(self, job_id: str, right: Response, wire: Wire) -> Response | None:
        """Apply the fault that is due, if any, to `right`."""
        kind = self._faults.next_for(job_id, known=job_id in self.jobs)
        return await self._with_fault(kind, job_id, right, wire)

    async def _with_fault(
        self, kind: str | None, job_id: str, right: Response, wire: Wire
    ) -> Response | None:
        if kind is None or kind in LIST_FAULTS:
            return right
        missing = self._profile.missing(job_id)
        return await apply_fault(kind, FaultContext(right, missing, wire, self._speed))


def _form(request: Request) -> Form:
    return read_form(request.headers.get("content-type", ""), request.body)


def _no_such_path(request: Request) -> Response:
    where = f"Invalid URL ({request.method} {request.path[:_FIELD]})"
    return refusal(HTTPStatus.NOT_FOUND, where)
