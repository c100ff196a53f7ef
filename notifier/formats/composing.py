"""Turns events into messages: which facts people are shown, in the texts of their language.

A value of a wrong type counts as unknown.
"""

from collections.abc import Iterator

from notifier.formats import times
from notifier.formats.languages import EMOJI, Texts
from notifier.formats.message import (
    BAD,
    GOOD,
    NEUTRAL,
    Code,
    Error,
    Fact,
    Link,
    Message,
    Moment,
)
from notifier.model.event import FOLLOW_UPS, WITH_CONTENT, Event, EventType, Notice
from notifier.model.video import Json
from notifier.texts.cleaning import shortened

_MOODS = {
    EventType.COMPLETED: GOOD,
    EventType.ARCHIVED: GOOD,
    EventType.ENDPOINT_RECOVERED: GOOD,
    EventType.FAILED: BAD,
    EventType.LOST: BAD,
    EventType.TIMED_OUT: BAD,
    EventType.ARCHIVE_FAILED: BAD,
    EventType.ENDPOINT_DISABLED: BAD,
}
_FOLLOW_UPS = frozenset(FOLLOW_UPS.values())
_ENDED_BY_GATEWAY = {EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED, *_FOLLOW_UPS}
_MAX_SUMMARY_VALUE = 400
_MAX_READ = 10_000
"""How much of a foreign text is looked at, in characters; far less is shown."""


def compose(event: Event | Notice, texts: Texts) -> Message:
    """Return the message that says what `event` is about."""
    return _notice(event, texts) if isinstance(event, Notice) else _video(event, texts)


def _video(event: Event, texts: Texts) -> Message:
    is_test = event.type is EventType.TEST
    look = texts.looks[event.type]
    title = _title(event, texts)
    return Message(
        title=title,
        summary=title if is_test else title + _summary(event, texts),
        mood=_MOODS.get(event.type, NEUTRAL),
        texts=texts,
        origin=event.id,
        created_at=_moment(event.created_at),
        meaning=look.meaning,
        facts=() if is_test else tuple(_facts(event, texts)),
        error=_error(event),
        notes=tuple(_notes(event, texts)),
        metadata=tuple(
            Fact(_one_line(name), _one_line(value)) for name, value in event.metadata.items()
        ),
        link=_link(event, texts),
    )


def _notice(notice: Notice, texts: Texts) -> Message:
    title = _title(notice, texts)
    disabled = notice.type is EventType.ENDPOINT_DISABLED
    notes = [Fact(texts.reason, _one_line(notice.reason))] if notice.reason else []
    if disabled:
        notes.append(Fact(texts.enable, Code(f"notifier endpoints enable {notice.endpoint}")))
    return Message(
        title=title,
        summary=f"{title}{texts.colon}{_one_line(notice.endpoint)}",
        mood=_MOODS.get(notice.type, NEUTRAL),
        texts=texts,
        origin=notice.id,
        created_at=_moment(notice.created_at),
        meaning=texts.looks[notice.type].meaning,
        facts=(Fact(texts.endpoint, Code(notice.endpoint)),),
        notes=tuple(notes),
    )


def _title(event: Event | Notice, texts: Texts) -> str:
    sample = event.test and event.type is not EventType.TEST
    title = f"{EMOJI[event.type]} {texts.looks[event.type].title}"
    return f"{title}{texts.sample}" if sample else title


def _summary(event: Event, texts: Texts) -> str:
    """Return what follows the title on the one line of a notification."""
    said = texts.where.format(
        video=_brief(event.data.get("id")) or "-", gateway=_brief(event.gateway) or "-"
    )
    if event.type in _FOLLOW_UPS:
        return said + _until(event, texts)  # how long the job took is no news any more
    if took := _duration(event, texts):
        said += texts.after.format(duration=took)
    error = _error(event)
    if error is not None and (reason := _brief(error.text) or _brief(error.code)):
        said += texts.reason_follows.format(reason=reason)
    return said


def _until(event: Event, texts: Texts) -> str:
    expires_at = _moment(event.data.get("expires_at"))
    if event.type is not EventType.EXPIRING or expires_at is None:
        return ""
    return texts.until.format(moment=texts.moment(expires_at))


def _facts(event: Event, texts: Texts) -> Iterator[Fact]:
    """Yield what is known about the job, one labelled fact at a time."""
    yield Fact(texts.video, Code(_one_line(_string(event.data.get("id")))))
    if model := _string(event.data.get("model")):
        yield Fact(texts.model, _one_line(model))
    yield Fact(texts.gateway, _one_line(event.gateway))
    if took := _duration(event, texts):
        yield Fact(texts.looks[event.type].after, took)
    if event.type not in _ENDED_BY_GATEWAY and (seen := _last_seen(event)):
        yield Fact(texts.last_seen, seen)
    expires_at = _moment(event.data.get("expires_at"))
    if event.type in WITH_CONTENT and expires_at is not None:
        label = texts.expires if expires_at > event.created_at else texts.expired
        yield Fact(label, Moment(expires_at))


def _notes(event: Event, texts: Texts) -> Iterator[Fact]:
    """Yield where the copy of the video is, or why there is none."""
    archive = event.archive or {}
    if event.type is EventType.ARCHIVED:
        place = _string(archive.get("url")) or _string(archive.get("path"))
        if place:
            yield Fact(texts.copy, Code(_one_line(place)))
    if event.type is EventType.ARCHIVE_FAILED and (reason := _string(archive.get("reason"))):
        yield Fact(texts.reason, _one_line(reason))


def _duration(event: Event, texts: Texts) -> str | None:
    """Return in words how long the job took; None if its start is unknown or after its end."""
    started = _moment(event.data.get("created_at"))
    # some gateways give a completion time while the job still runs
    completed = event.data.get("completed_at") if event.type in _ENDED_BY_GATEWAY else None
    ended = _moment(completed)
    if event.type not in _FOLLOW_UPS:
        ended = ended or _moment(event.created_at)
    if event.type is EventType.TEST or started is None or ended is None or ended < started:
        return None
    return texts.duration(ended - started)


def _last_seen(event: Event) -> str | None:
    status, progress = _string(event.data.get("status")), event.data.get("progress")
    if status is None:
        return None
    known = isinstance(progress, int) and 0 <= progress <= 100  # noqa: PLR2004 - per cent
    return _one_line(status) + (f", {progress:d} %" if known else "")


def _error(event: Event) -> Error | None:
    error = event.data.get("error")
    if not isinstance(error, dict):
        return None
    text, code = _string(error.get("message")), _string(error.get("code"))
    if text is None and code is None:
        return None
    return Error(_one_line(code or ""), (text or "")[:_MAX_READ].strip())


def _link(event: Event, texts: Texts) -> Link | None:
    if event.type not in WITH_CONTENT or event.content_url is None:
        return None
    # without the note a click that ends in 401 looks like a broken link
    return Link(event.content_url, texts.link, texts.link_note)


def _brief(value: Json) -> str:
    return shortened(_one_line(_string(value)), _MAX_SUMMARY_VALUE)


def _one_line(text: str | None) -> str:
    return " ".join((text or "")[:_MAX_READ].split())


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _moment(value: Json) -> int | None:
    """Return a Unix time that calendars can name; some gateways write 0 for "never"."""
    known = isinstance(value, int) and not isinstance(value, bool)
    return value if known and times.FIRST < value <= times.LAST else None
