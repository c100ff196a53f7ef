"""Finds the object in an answer that describes the watched video.

Gateways wrap a job in envelopes, lists and quoted error texts. The rules of the search:

1. It looks through objects and lists, up to eight around the job, and through JSON that texts
   quote, up to four quotations deep; in all through 5,000 values and 32 quoting texts. What users
   write (`metadata`, `prompt`, …) is left out.
2. A job is an object with a status word in `status`, `task_status`, `state` or the like, or with a
   boolean `done` as long-running operations have it. A number counts if `status_words` have it.
3. An object names the video when one of its ids is the watched one (`video_ids.same_video`). An
   object without ids belongs to the object around it. A `request_id` that is not the watched one
   may be that of the HTTP request; it only counts as an id of another video for rule 5, and not
   at all beside the request's result code.
4. A job that names the video is about it, at any depth. If two of them have different statuses,
   neither counts.
5. Without such a job, the answer to the exact URL counts if it holds no other id at all, one job
   (or several that agree), and a known status word. It must not stand in an error, in a list of
   several, or in a text with more than the quotation.
6. `success`, `error`, `fail`, `timeout`, `rejected`, `blocked` and the like in an object without
   `progress` and `object: "video"` may be about the request. If there is a job inside that object,
   the job inside counts. If not, the word counts only if the object itself names the video, and
   nothing inside says that the video is not finished: a number as status, its id once more,
   `progress` below 100, a result that is empty.
7. Objects without ids inside a job are its parts, such as steps; their statuses do not count.
8. A word such as `ok` is never a job's status. An unknown word in an object without ids counts
   only in what usually wraps a job (`data`, `result`, …).
9. What a job that names the video quotes, such as an earlier answer, does not contradict it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from notifier.gateway.job import (
    Body,
    Job,
    Named,
    calls_itself_video,
    is_neutral,
    is_request_envelope,
    is_unfinished,
    may_be_envelope,
    own_ids,
    status_number,
    status_word,
)
from notifier.gateway.not_found import is_missing_word
from notifier.gateway.quoted import quoted_json
from notifier.model.status import Status, read_status
from notifier.model.video import Json
from notifier.model.video_ids import same_video

MAX_WRAPPERS = 8
"""How many objects and lists around a job are looked through, in each quotation anew."""

MAX_QUOTATIONS = 4
"""How many texts that quote each other are looked through."""

_MOST_VALUES = 5000
_MOST_TEXTS = 32
# What is looked through of one answer: searching blocks the event loop.

_NOT_THE_JOB = frozenset(
    {
        "metadata", "prompt", "negative_prompt", "input", "inputs", "parameters", "user",
        "account", "usage", "billing", "history", "logs", "events", "webhook",
        "webhooks", "upload", "source", "reference", "remixed_from", "model",
        "organization", "project", "owner",
    }
)  # fmt: skip
_WRAPPERS = frozenset(
    {
        "data", "result", "results", "output", "response", "body", "payload", "task",
        "job", "video", "generation", "prediction",
    }
)  # fmt: skip
_ERRORS = frozenset({"error", "errors"})
_PROTOCOL = frozenset({"id", "object", "model", "progress", "created_at", "error", "status"})


@dataclass(slots=True)
class Search:
    """What a search found: at most one job that counts, and what explains why there is none.

    `other_id` is the first id of another video. `describes_video` means that an object calls
    itself a video. `words` are the status words of all jobs, `words_of_requests` those that may be
    about the request.
    """

    job: Job | None = None
    contradiction: bool = False
    other_id: str = ""
    describes_video: bool = False
    words: list[str] = field(default_factory=list)
    words_of_requests: list[str] = field(default_factory=list)


def find_job(
    value: Json,
    video_id: str,
    status_words: Mapping[str, Status],
    *,
    unnamed: bool = True,
    any_id: bool = False,
) -> Search:
    """Search a decoded answer for the job `video_id`, by the rules of this module.

    With `unnamed`, a job without any id may count, as in the answer to the video's own URL. With
    `any_id`, a job with another id may count, if none names the video.
    """
    if _is_plain(value, video_id) and (word := status_word(value)) is not None:
        status = read_status(word, status_words)
        return Search(Job(value, word, status, Named.YES, explicit=True))
    walk = _Walk(video_id, status_words, any_id=any_id)
    jobs = list(walk.jobs(value, _Place()))
    other_id = walk.other_id or (walk.other_request if unnamed else "")
    search = Search(
        other_id=other_id,
        describes_video=walk.describes_video,
        words=[job.word for job in jobs] or walk.numbers,
        words_of_requests=walk.words_of_requests,
    )
    counting = [job for job in jobs if job.named is Named.YES]
    if not counting and any_id:
        counting = [job for job in jobs if job.named is Named.OTHER][:1]
    if not counting and unnamed and not other_id and not walk.stopped_early:
        counting = [job for job in jobs if job.named is Named.NO and _is_known(job)]
    if len({job.status for job in counting}) > 1:
        search.contradiction = True
    elif counting:
        search.job = max(counting, key=lambda job: len(job.body.keys() & _PROTOCOL))
    return search


def _is_known(job: Job) -> bool:
    return job.status is not None or is_missing_word(job.word)


def _is_plain(body: Json, video_id: str) -> bool:
    """Return whether an object is the usual answer: it names the video and holds no other."""
    return (
        isinstance(body, dict)
        and body.get("id") == video_id
        and isinstance(body.get("status"), str)
        and not any(
            isinstance(value, dict | list) or (isinstance(value, str) and "{" in value)
            for value in body.values()
        )
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an answer a value stands."""

    around: tuple[Body, ...] = ()
    named: Named = Named.NO
    wrappers: int = 0
    quotations: int = 0
    only_named: bool = False
    wraps: bool = True

    def within(self, body: Body, name: str, named: Named) -> "_Place":
        """Return the place of the field `name` of an object that stands here."""
        return _Place(
            (body, *self.around),
            named,
            self.wrappers + 1,
            self.quotations,
            self.only_named or name in _ERRORS,
            name in _WRAPPERS,
        )


class _Walk:
    """Looks through one answer, and keeps the first id of another video and of a request."""

    def __init__(self, video_id: str, status_words: Mapping[str, Status], *, any_id: bool) -> None:
        self._video_id = video_id
        self._status_words = status_words
        self._any_id = any_id
        self.other_id = self.other_request = ""
        self.describes_video = False
        self.numbers: list[str] = []
        self.words_of_requests: list[str] = []
        self._values_left = _MOST_VALUES
        self._texts_left = _MOST_TEXTS

    def jobs(self, value: Json, place: _Place) -> Iterator[Job]:
        """Yield the jobs in `value` that may count, the outer ones first."""
        self._values_left -= 1
        if place.wrappers > MAX_WRAPPERS or self.stopped_early:
            return
        match value:
            case dict():
                yield from self._in_object(value, place)
            case list():
                several = place.only_named or len(value) > 1
                inside = replace(place, wrappers=place.wrappers + 1, only_named=several)
                for item in value:
                    yield from self.jobs(item, inside)
            case str() if "{" in value and place.quotations < MAX_QUOTATIONS:
                yield from self._in_text(value, place)

    @property
    def stopped_early(self) -> bool:
        """Whether there was more than is looked through."""
        return self._values_left < 0 or self._texts_left < 0

    def _in_text(self, text: str, place: _Place) -> Iterator[Job]:
        self._texts_left -= 1
        if self.stopped_early:
            return
        for quoted, whole in quoted_json(text):
            only_named = place.only_named or not whole
            inside = _Place((), place.named, 0, place.quotations + 1, only_named)
            yield from self.jobs(quoted, inside)

    def _in_object(self, body: Body, place: _Place) -> Iterator[Job]:
        named, explicit = self._named(body, place)
        self.describes_video |= calls_itself_video(body)
        inner = [
            job
            for name, value in body.items()
            if isinstance(value, dict | list | str) and name not in _NOT_THE_JOB
            for job in self.jobs(value, place.within(body, name, named))
        ]
        job = self._job(body, place, named, explicit=explicit)
        if job is None or self._wraps_job(job, inner):
            if job is not None:
                self.words_of_requests.append(job.word)
            yield from inner
            return
        counts = explicit and named is Named.YES
        if counts or not place.only_named:
            yield job
        for one in inner:
            if one.explicit and not (counts and one.quotations > job.quotations):
                yield one

    def _job(self, body: Body, place: _Place, named: Named, *, explicit: bool) -> Job | None:
        """Return the job that an object describes, None if it describes none."""
        word = status_word(body) or self._configured_number(body, explicit=explicit)
        if word is None or (is_neutral(word) and word not in self._status_words):
            return None
        status = read_status(word, self._status_words)
        if status is None and not explicit and not place.wraps:
            return None
        return Job(body, word, status, named, explicit, place.around, place.quotations)

    def _configured_number(self, body: Body, *, explicit: bool) -> str | None:
        """Return a status that is a number, if `status_words` say what it means."""
        number = status_number(body)
        if number in self._status_words:
            return number
        if number and explicit:
            self.numbers.append(number)
        return None

    def _wraps_job(self, job: Job, inner: list[Job]) -> bool:
        """Return whether an object is an envelope, whose word is about the request."""
        if not may_be_envelope(job.body, job.word):
            return False
        names = job.explicit and (job.named is Named.YES or self._any_id)
        if not names or any(
            one.named is not Named.OTHER or one.status is not None for one in inner
        ):
            return True
        parts = (part for name, part in job.body.items() if name not in _NOT_THE_JOB)
        return job.status is Status.COMPLETED and any(
            isinstance(part, dict) and is_unfinished(part, self._video_id) for part in parts
        )

    def _named(self, body: Body, place: _Place) -> tuple[Named, bool]:
        """Return whether an object names the video, and whether it has ids of its own."""
        ids = list(own_ids(body))
        if not ids:
            return place.named, False
        if any(same_video(one, self._video_id) for one, _ in ids):
            return Named.YES, True
        other = next((one for one, of_request in ids if not of_request), None)
        if other is None:
            if not is_request_envelope(body):
                self.other_request = self.other_request or ids[0][0]
            return place.named, False
        self.other_id = self.other_id or other
        return Named.OTHER, True
