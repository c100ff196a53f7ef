"""The dialects of known gateways, each as a `Profile` that describes the same jobs.

A profile is data where a dialect differs in data (words, id prefix, headers) and a small
function where it differs in shape. Versions differ, so each profile stands for a family.
"""

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from notifier.http_server import Response, json_response
from notifier.model.status import Status
from notifier.model.video import Json
from notifier.sandbox import dialects, refusals
from notifier.sandbox.dialects import Body, Moment

_ID_DIGITS = "0123456789abcdef"
_REWRITTEN = "litellm:custom_llm_provider:openai;model_id:sora-2;video_id:"
_DEPLOYMENT = ";deployment_id:"


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

    An answer about a failed job has the status `failed_status`; `failed` replaces it altogether.
    Jobs of `refused_models` are answered as by a proxy whose upstream refuses its key. `lists`
    tells whether there are lists; stale ones show each job as it was when it was last retrieved.
    Lists that do not `lists_page` ignore `limit` and `after`. Without the request header
    `list_header` a list is refused.
    """

    about: str
    body: Callable[[Moment], Body] = dialects.plain
    words: Mapping[Status, str] = field(default_factory=dict)
    missing: Callable[[str], Response] = refusals.video_not_found
    id_prefix: str = "video_"
    poll_hint: PollHint | None = None
    failed_status: int = HTTPStatus.OK
    failed: Callable[[Response], Response] | None = None
    envelope: Callable[[Body], Body] | None = None
    rewrites_ids: bool = False
    misses_every: int = 0
    lists: bool = True
    stale_lists: bool = False
    lists_have_more: bool = True
    lists_page: bool = True
    list_header: str | None = None
    refused_models: frozenset[str] = frozenset()

    def new_id(self, rng: random.Random) -> str:
        """Return an id for a new job."""
        return self.id_prefix + "".join(rng.choices(_ID_DIGITS, k=32))

    def shown_id(self, job_id: str, rng: random.Random) -> str:
        """Return the id that an answer about `job_id` carries."""
        if not self.rewrites_ids:
            return job_id
        text = f"{_REWRITTEN}{job_id}{_DEPLOYMENT}{rng.getrandbits(256):064x}"
        return "video_" + base64.b64encode(text.encode("utf-8", "replace")).decode()

    def job_id(self, shown: str) -> str:
        """Return the job's id behind one that an answer carried."""
        if not self.rewrites_ids:
            return shown
        try:
            text = base64.b64decode(shown.removeprefix("video_").encode()).decode()
        except ValueError:
            return shown
        job_id = text.removeprefix(_REWRITTEN).rpartition(_DEPLOYMENT)[0]
        return job_id if text.startswith(_REWRITTEN) else shown

    def describe(self, moment: Moment) -> dict[str, Json]:
        """Return one moment of a job as this gateway describes it."""
        status = moment.seen.status
        word = self.words.get(status, status.value) if status else ""
        return self.body(moment.named(word))

    def answer(self, moment: Moment, speed: float) -> Response:
        """Return the whole answer to a status request."""
        if moment.seen.model in self.refused_models:
            return refusals.refused_upstream()
        if moment.seen.status is not Status.FAILED:
            hints = self.poll_hint.headers(speed) if self.poll_hint else {}
            return self._response(moment, hints={} if moment.seen.ended else hints)
        if self.failed is None or moment.expired:
            return self._response(moment, self.failed_status)
        upstream = moment.with_id(self.job_id(moment.seen.id))
        return self.failed(self._response(upstream, self.failed_status))

    def created(self, moment: Moment, speed: float) -> Response:
        """Return the answer to a request that started a job."""
        return replace(self, refused_models=frozenset()).answer(moment, speed)

    def page(self, moments: Sequence[Moment], *, more: bool) -> Body:
        """Return one page of a list."""
        ids = [moment.seen.id for moment in moments]
        body: Body = {"object": "list", "data": [self.describe(moment) for moment in moments]}
        if not self.lists_have_more:
            return body
        ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
        return {**body, **ends, "has_more": more}

    def _response(
        self,
        moment: Moment,
        status: int = HTTPStatus.OK,
        hints: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        body = self.describe(moment)
        return json_response(self.envelope(body) if self.envelope else body, status, hints)


PROFILES: Mapping[str, Profile] = {
    "openai": Profile("the protocol as OpenAI wrote it down"),
    "new-api": Profile(
        "starts as unknown, completed_at while running, milliseconds, 400 task_not_exist",
        body=dialects.new_api,
        words={Status.QUEUED: "unknown"},
        missing=refusals.task_not_exist,
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
        missing=refusals.task_not_exist,
        id_prefix="task_",
        envelope=dialects.in_success,
    ),
    "litellm": Profile(
        "processing, created_at 0, another id in every answer, lists want a header",
        body=dialects.litellm,
        words={Status.QUEUED: "processing", Status.IN_PROGRESS: "processing"},
        missing=refusals.litellm_missing,
        rewrites_ids=True,
        lists_page=False,
        list_header="custom-llm-provider",
    ),
    "litellm-vllm-omni": Profile(
        "LiteLLM before vLLM-Omni: a failed job is a quoted answer within a 500",
        body=dialects.vllm_omni,
        missing=refusals.litellm_missing,
        id_prefix="video_gen_",
        failed_status=HTTPStatus.INTERNAL_SERVER_ERROR,
        failed=refusals.litellm_failed,
        rewrites_ids=True,
        lists_page=False,
        list_header="custom-llm-provider",
    ),
    "vllm-omni": Profile(
        "whole-number error codes, a failed job comes with HTTP 500",
        body=dialects.vllm_omni,
        id_prefix="video_gen_",
        failed_status=HTTPStatus.INTERNAL_SERVER_ERROR,
    ),
    "sglang": Profile(
        "lists without has_more, a completed job carries the server's file_path",
        body=dialects.sglang,
        missing=refusals.sglang_missing,
        lists_have_more=False,
    ),
    "openrouter": Profile(
        "pending, expired, error is a text, no created_at or progress",
        body=dialects.openrouter,
        words={Status.QUEUED: "pending"},
        missing=refusals.openrouter_missing,
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
        missing=refusals.azure_missing,
    ),
    "inworld": Profile(
        "the protocol, asking with Retry-After for a poll every 10 s",
        poll_hint=PollHint("retry-after", 10),
    ),
    "replicated": Profile(
        "every third poll reaches a replica that does not know the job", misses_every=3
    ),
    "xai": Profile(
        "no id in answers, done, a moderated job is a 400, no lists",
        body=dialects.xai,
        words={
            Status.IN_PROGRESS: "pending",
            Status.COMPLETED: "done",
            Status.CANCELLED: "failed",
        },
        missing=refusals.xai_missing,
        id_prefix="",
        failed=refusals.xai_moderated,
        lists=False,
    ),
    "kling": Profile(
        'a task in {"code": 0, "data"}, task_status succeed, reasons in task_status_msg, no lists',
        body=dialects.kling,
        words={
            Status.QUEUED: "submitted",
            Status.IN_PROGRESS: "processing",
            Status.COMPLETED: "succeed",
            Status.CANCELLED: "failed",
        },
        missing=refusals.kling_missing,
        id_prefix="",
        envelope=dialects.in_code_0,
        lists=False,
    ),
    "stale-list": Profile(
        "a list shows each job as it was when it was last retrieved", stale_lists=True
    ),
    "mixed-keys": Profile(
        "a proxy with two upstreams, of which the one for sora-2-pro refuses its key: 401",
        refused_models=frozenset({"sora-2-pro"}),
    ),
}
"""Every dialect, by the name `--profile` takes."""
