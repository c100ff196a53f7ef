"""An object of an answer that describes a job: its ids, its status word, whose job it is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from notifier.gateway import fields
from notifier.model.status import Status, fold_word, read_status
from notifier.model.video import Json
from notifier.model.video_ids import same_video

Body = dict[str, Json]

_ID_NAMES = frozenset(
    {
        "id", "taskid", "videoid", "requestid", "jobid", "generationid", "predictionid",
        "operationid", "uuid", "taskuuid", "videouuid", "_id",
    }
)  # fmt: skip
STATUS_FIELDS = (
    *("task_status", "job_status", "video_status", "generation_status"),
    *("taskStatus", "jobStatus", "videoStatus", "generationStatus", "TaskStatus", "JobStatus"),
    *("status", "Status", "state", "State"),
)
"""Where a job's status word may stand, the surest first."""

_ENVELOPE_WORDS = frozenset(
    {
        *("success", "error", "fail", "timeout", "timed_out", "timedout", "rejected", "blocked"),
        *("成功", "失败", "失敗", "超时", "실패"),
    }
)
_NEUTRAL_WORDS = frozenset({"ok", "okay", "200", "0", "true", ""})
_RESULTS = frozenset({"video", "videos", "result", "results", "response", "output", "outputs"})
_NO_RESULTS = re.compile(
    "callback|hook|notify|notification|image|input|first|last|source|poll|status|cancel|response"
)
_EMPTY: tuple[Json, ...] = (None, "", [], {})
_OPERATIONS = "operations/"
_OPERATION_RESULTS = frozenset({"response", "result", "error"})
_SAMPLES = ("videos", "generatedSamples", "generatedVideos")
_OPERATION_FIELDS = frozenset({"name", "metadata", "done", "@type"})
_WHOLE = 100
_RESULT_CODES = frozenset({"code", "errcode", "errorcode", "retcode", "statuscode"})


class Named(Enum):
    """Whether an object's ids name the watched video."""

    YES = auto()
    NO = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Job:
    """An object that describes a job.

    `word` is its status word and `status` what that means, None if unknown. `explicit` means that
    the object has an id of its own. `around` are the objects around it, the nearest first.
    """

    body: Body
    word: str
    status: Status | None
    named: Named
    explicit: bool
    around: tuple[Body, ...] = ()
    quotations: int = 0


def calls_itself_video(value: Json) -> bool:
    """Return whether an object says that it is a video, whatever else it leaves out."""
    return isinstance(value, dict) and value.get("object") == "video"


def may_be_envelope(body: Mapping[str, Json], word: str) -> bool:
    """Return whether a status word may well be that of the request and not of a job."""
    return (
        "task_status" not in body
        and fold_word(word) in _ENVELOPE_WORDS
        and not calls_itself_video(body)
        and "progress" not in body
        # the word of a failure beside an empty address is the job's
        and not (read_status(word) is Status.FAILED and any(map(_is_address, map(_folded, body))))
    )


def is_unfinished(part: Body, video_id: str) -> bool:
    """Return whether a part of an envelope describes the video as one that has no result yet."""
    progress = fields.number(part.get("progress"))
    if progress is not None and 0 <= progress < _WHOLE and progress != 1:
        return True
    folded = {_folded(name): value for name, value in part.items()}
    results = [value for name, value in folded.items() if name in _RESULTS or _is_address(name)]
    if any(value not in _EMPTY for value in results):
        return False
    return (
        bool(results)
        or any(same_video(one, video_id) for one, _ in own_ids(part))
        or status_number(part) not in {"", "200"}
        or "queueposition" in folded
    )


def _is_address(folded: str) -> bool:
    """Return whether a field may hold the video's address."""
    return folded.endswith("url") and _NO_RESULTS.search(folded) is None


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def own_ids(body: Mapping[str, Json]) -> Iterator[tuple[str, bool]]:
    """Yield every id by which an object calls itself, with whether it may be a request's id."""
    for name, value in body.items():
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            continue
        folded = name if name in _ID_NAMES else name.replace("_", "").replace("-", "").lower()
        if folded in _ID_NAMES and not (folded == "requestid" and "task_status" in body):
            text = value if isinstance(value, str) else fields.text(value) or ""
            yield text, folded == "requestid"
        elif name == "name" and isinstance(value, str) and names_operation(body):
            yield value.rpartition("/")[2], False


def is_request_envelope(body: Mapping[str, Json]) -> bool:
    """Return whether an object's `request_id` is clearly that of the HTTP request.

    It stands beside the request's result code, and not beside the job's status; Tencent writes
    `RequestId` beside both.
    """
    if not any(name.replace("_", "").lower() in _RESULT_CODES for name in body):
        return False
    return "RequestId" in body or status_word(body) is None


def status_number(body: Mapping[str, Json]) -> str:
    """Return a status that is written as a number, such as PixVerse's `1`, as text; else ""."""
    numbers = (body.get(name) for name in STATUS_FIELDS)
    found = (one for one in numbers if isinstance(one, int) and not isinstance(one, bool))
    return fields.text(next(found, None)) or ""


def status_word(body: Mapping[str, Json]) -> str | None:
    """Return an object's status word, None without any.

    If it has several, a word that says more than that the request went well is preferred. A
    long-running operation has a boolean `done` instead; the word is made from it.
    """
    words = [word for name in STATUS_FIELDS if isinstance(word := body.get(name), str)]
    if words:
        telling = [word for word in words if not is_neutral(word)]
        of_job = [word for word in telling if fold_word(word) not in _ENVELOPE_WORDS]
        return (of_job or telling or words)[0]
    if body.keys() == {"request_id"}:
        return "pending"  # all that some gateways answer while a job waits
    if body.keys() <= _OPERATION_FIELDS and names_operation(body) and not body.get("done"):
        return Status.IN_PROGRESS.value  # protobuf's JSON leaves `"done": false` out
    return _operation_word(body)


def _operation_word(body: Mapping[str, Json]) -> str | None:
    """Return what a long-running operation's `done` means, None where it says nothing."""
    done = body.get("done")
    if done is False and ("name" in body or not _OPERATION_RESULTS.isdisjoint(body)):
        return Status.IN_PROGRESS.value
    if done is not True or _OPERATION_RESULTS.isdisjoint(body):
        return None
    failed = body.get("error") or filter_report(body)
    return Status.FAILED.value if failed else Status.COMPLETED.value


def filter_report(body: Mapping[str, Json]) -> Body | None:
    """Return what Google's operation says about a filter that left no video; None without any."""
    value = body.get("response")
    for _ in range(2):
        if not isinstance(value, dict):
            return None
        if value.get("raiMediaFilteredCount"):
            return None if any(value.get(name) for name in _SAMPLES) else value
        value = value.get("generateVideoResponse")
    return None


def names_operation(body: Mapping[str, Json]) -> bool:
    """Return whether an object is a long-running operation of Google."""
    name = body.get("name")
    return isinstance(name, str) and _OPERATIONS in name


def is_neutral(word: str) -> bool:
    """Return whether a word only says that the request went well."""
    return fold_word(word) in _NEUTRAL_WORDS
