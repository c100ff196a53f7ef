"""An object of an answer that describes a job: its ids, its status word, whose job it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from notifier.gateway import fields
from notifier.model.status import Status, fold_word
from notifier.model.video import Json

Body = dict[str, Json]

_ID_NAMES = frozenset(
    {
        "id", "taskid", "videoid", "requestid", "jobid", "generationid", "predictionid",
        "operationid", "uuid", "taskuuid", "videouuid", "_id",
    }
)  # fmt: skip
STATUS_FIELDS = (
    *("task_status", "job_status", "video_status", "taskStatus", "TaskStatus"),
    *("status", "Status", "state", "State"),
)
"""Where a job's status word may stand, the surest first."""

_ENVELOPE_WORDS = frozenset({"success", "error", "fail"})
_NEUTRAL_WORDS = frozenset({"ok", "okay", "200", "0", "true", ""})
_OPERATION_RESULTS = frozenset({"response", "result", "error", "name"})


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
    )


def own_ids(body: Mapping[str, Json]) -> Iterator[tuple[str, bool]]:
    """Yield every id by which an object calls itself, with whether it may be a request's id."""
    for name, value in body.items():
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            continue
        folded = name if name in _ID_NAMES else name.replace("_", "").replace("-", "").lower()
        if folded in _ID_NAMES and not (folded == "requestid" and "task_status" in body):
            text = value if isinstance(value, str) else fields.text(value) or ""
            yield text, folded == "requestid"
        elif name == "name" and isinstance(value, str) and "operations/" in value:
            yield value.rpartition("/")[2], False


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
    done = body.get("done")
    if not isinstance(done, bool) or _OPERATION_RESULTS.isdisjoint(body):
        return None
    if not done:
        return Status.IN_PROGRESS.value
    return Status.FAILED.value if body.get("error") else Status.COMPLETED.value


def is_neutral(word: str) -> bool:
    """Return whether a word only says that the request went well."""
    return fold_word(word) in _NEUTRAL_WORDS
