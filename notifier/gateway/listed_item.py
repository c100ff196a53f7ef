"""Reads one item of a list page: its ids, and what it says about its video."""

from http import HTTPStatus

from notifier.gateway.decode import is_harmless
from notifier.gateway.job import Named, own_ids
from notifier.gateway.job_search import find_job
from notifier.gateway.response_classifier import Dialect
from notifier.gateway.video_parser import read_snapshot
from notifier.model.answer import Seen
from notifier.model.video import Json

Item = dict[str, Json]

WRAPPERS = ("data", "task", "video", "job", "result", "output")
"""Fields that may hold the object that describes the job."""

_MORE_IDS = frozenset({"task_id", "video_id", "request_id", "job_id", *WRAPPERS})


def ids_of(item: Item) -> tuple[str, ...]:
    """Return every id by which an item calls its video, as the gateway wrote it."""
    first = item.get("id")
    if isinstance(first, str) and first and _MORE_IDS.isdisjoint(item):
        return (first,)  # nearly always
    wrapped = (inner for name in WRAPPERS if isinstance(inner := item.get(name), dict))
    return tuple(dict.fromkeys(name for one in (item, *wrapped) for name, _ in own_ids(one)))


def read_item(item: Item, video_id: str, dialect: Dialect) -> Seen | None:
    """Return what an item says about a video; None if that is not clear."""
    if not is_harmless(item):
        return None
    job = find_job(item, video_id, dialect.status_words, unnamed=False).job
    if job is None or job.named is not Named.YES:
        return None
    return Seen(read_snapshot(job, video_id, dialect.hidden), HTTPStatus.OK)
