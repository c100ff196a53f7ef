"""The dialects of known gateways, each as a `Profile` that describes the same jobs.

A profile is data where a dialect differs in data (words, id prefix, headers) and a small
function where it differs in shape. Versions differ, so each profile stands for a family.
"""

import base64
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

from notifier.http_server import Response, json_response
from notifier.model.status import Status
from notifier.model.video import Json
from notifier.sandbox import dialects
from notifier.sandbox.dialects import Body, Moment

_ID_DIGITS = "0123456789abcdef"
_REWRITTEN = "litellm:custom_llm_provider:openai;model_id:sora-2;video_id:"


class PollHint(NamedTuple):
    """A header that asks clients to poll after `interval`, in the header's own unit."""

    header: str
    interval: float

    def headers(self, speed: float) -> Mapping[str, str]:
        """Return the header, its interval divided by the sandbox's `speed`."""
        return {self.header: str(max(1, round(self.interval / speed)))}


@dataclass(frozen=True, slots=True)
class Profile:
    """One gateway's dialect.

    `words` holds its words for statuses, where they are not the protocol's. `poll_hint` is the
    response header of a running job that asks for a poll interval. Every `misses_every`-th poll
    of a job is answered as if the job did not exist.
    """

    about: str
    body: Callable[[Moment], Body] = dialects.plain
    words: Mapping[Status, str] = field(default_factory=dict)
    missing: Callable[[str], Response] = dialects.video_not_found
    id_prefix: str = "video_"
    poll_hint: PollHint | None = None
    failed_status: int = HTTPStatus.OK
    envelope: bool = False
    rewrites_ids: bool = False
    misses_every: int = 0

    def new_id(self, rng: random.Random) -> str:
        """Return an id for a new job."""
        return self.id_prefix + "".join(rng.choices(_ID_DIGITS, k=32))

    def shown_id(self, job_id: str, rng: random.Random) -> str:
        """Return the id that an answer about `job_id` carries."""
        if not self.rewrites_ids:
            return job_id
        text = f"{_REWRITTEN}{job_id};request:{rng.getrandbits(64):x}"
        return "video_" + base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()

    def job_id(self, shown: str) -> str:
        """Return the job's id behind one that an answer carried."""
        if not self.rewrites_ids:
            return shown
        try:
            text = base64.urlsafe_b64decode(shown.removeprefix("video_").encode()).decode()
        except ValueError:
            return shown
        job_id = text.removeprefix(_REWRITTEN).rpartition(";request:")[0]
        return job_id if text.startswith(_REWRITTEN) else shown

    def describe(self, moment: Moment) -> dict[str, Json]:
        """Return one moment of a job as this gateway describes it."""
        status = moment.seen.status
        word = self.words.get(status, status.value) if status else ""
        return self.body(moment.named(word))

    def answer(self, moment: Moment, speed: float) -> Response:
        """Return the whole answer to a status request."""
        body = self.describe(moment)
        if self.envelope:
            body = {"code": "success", "message": "", "data": body}
        failed = moment.seen.status is Status.FAILED
        hints = self.poll_hint.headers(speed) if self.poll_hint and not moment.seen.ended else {}
        return json_response(body, self.failed_status if failed else HTTPStatus.OK, hints)


PROFILES: Mapping[str, Profile] = {
    "openai": Profile("the protocol as OpenAI wrote it down"),
    "new-api": Profile(
        "starts as unknown, completed_at while running, milliseconds, 400 task_not_exist",
        body=dialects.new_api,
        words={Status.QUEUED: "unknown"},
        missing=dialects.task_not_exist,
        id_prefix="task_",
    ),
    "new-api-legacy": Profile(
        'wrapped in {"code", "data"}, IN_PROGRESS, "50%"',
        body=dialects.new_api_legacy,
        words={
            Status.QUEUED: "SUBMITTED",
            Status.IN_PROGRESS: "IN_PROGRESS",
            Status.COMPLETED: "SUCCESS",
            Status.FAILED: "FAILURE",
            Status.CANCELLED: "CANCELLED",
        },
        missing=dialects.task_not_exist,
        id_prefix="task_",
        envelope=True,
    ),
    "litellm": Profile(
        "processing until done, created_at 0, every answer carries another id",
        body=dialects.litellm,
        words={Status.QUEUED: "processing", Status.IN_PROGRESS: "processing"},
        missing=dialects.litellm_missing,
        rewrites_ids=True,
    ),
    "vllm-omni": Profile(
        "whole-number error codes, a failed job comes with HTTP 500",
        body=dialects.vllm_omni,
        id_prefix="video_gen_",
        failed_status=HTTPStatus.INTERNAL_SERVER_ERROR,
    ),
    "openrouter": Profile(
        "pending, expired, error is a text, no created_at or progress",
        body=dialects.openrouter,
        words={Status.QUEUED: "pending"},
        missing=dialects.openrouter_missing,
        id_prefix="gen-vid-",
    ),
    "unsloth": Profile(
        "openai-poll-after-ms, a cancelled job reads as failed",
        body=dialects.unsloth,
        poll_hint=PollHint("openai-poll-after-ms", 5000),
    ),
    "azure": Profile(
        "succeeded, error.code null",
        body=dialects.azure,
        words={Status.COMPLETED: "succeeded"},
        missing=dialects.azure_missing,
    ),
    "inworld": Profile(
        "the protocol, asking with Retry-After for a poll every 10 s",
        poll_hint=PollHint("retry-after", 10),
    ),
    "replicated": Profile(
        "every third poll reaches a replica that does not know the job", misses_every=3
    ),
}
"""Every dialect, by the name `--profile` takes."""
