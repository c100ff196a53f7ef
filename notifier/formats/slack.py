"""The `slack` format: an incoming-webhook payload that a person reads at a glance.

The parts from top to bottom: what happened; what that means, where the type alone does not say
it; the facts in two columns; the error; the metadata; a link to the result; the event's id. A
part without content is left out. Every text that notifier did not write itself goes through
`mrkdwn` with a maximum length. So the message stays far within Slack's limits (50 blocks, 10
fields of 2000, texts of 3000, headers of 150). A value of a wrong type counts as unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from notifier.formats import blocks, mrkdwn, times
from notifier.model.event import FOLLOW_UPS, WITH_CONTENT, Event, EventType
from notifier.model.video import Json

SAMPLE = " (test)"
"""What stands behind the title of a sample, which reports nothing."""

_MAX_NAME = 200
_MAX_ID = 1200
_MAX_VALUE = 400
_MAX_ERROR = 1500
_MAX_FIELDS = 10
_MAX_FALLBACK_LINES = 4
_MAX_FALLBACK_NAME, _MAX_FALLBACK_VALUE = 60, 100


@dataclass(frozen=True, slots=True)
class _Look:
    """How one type of event is presented; `after` names the time from start to end."""

    emoji: str
    title: str
    after: str
    meaning: str = ""


_LOOKS = {
    EventType.COMPLETED: _Look("✅", "Video completed", "Took"),
    EventType.FAILED: _Look("❌", "Video failed", "Failed after"),
    EventType.CANCELLED: _Look("🚫", "Video cancelled", "Cancelled after"),
    EventType.LOST: _Look(
        "❓",
        "Video lost",
        "Lost after",
        "The gateway keeps answering that this video does not exist.",
    ),
    EventType.TIMED_OUT: _Look(
        "⏰", "Video timed out", "Gave up after", "No ending came in the time allowed."
    ),
    EventType.EXPIRING: _Look(
        "⌛", "Video expires soon", "Took", "The gateway will remove it; download it before."
    ),
    EventType.ARCHIVED: _Look("📦", "Video archived", "Took"),
    EventType.ARCHIVE_FAILED: _Look(
        "⚠️", "Video not archived", "Took", "notifier keeps no copy of this video."
    ),
    EventType.TEST: _Look(
        "🔔", "Test from notifier", "", "No video has ended. Events will arrive here like this."
    ),
}

_FOLLOW_UPS = frozenset(FOLLOW_UPS.values())
_ENDED_BY_GATEWAY = {EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED, *_FOLLOW_UPS}


def render(event: Event) -> bytes:
    """Return the payload for `event`: Block Kit blocks, and `text` for notifications."""
    return blocks.payload(_fallback(event), _blocks(event))


def _blocks(event: Event) -> Iterator[blocks.Block]:
    look = _LOOKS[event.type]
    yield blocks.header(_title(event))
    if look.meaning:
        yield blocks.section(look.meaning)
    yield from blocks.table(list(_facts(event)))
    if error := _error(event):
        yield blocks.section(error)
    if copy := _copy(event):
        yield blocks.section(copy)
    yield from blocks.table(_metadata(event))
    if result := _result(event):
        yield blocks.section(result)
    yield blocks.context(_origin(event))


def _title(event: Event) -> str:
    look = _LOOKS[event.type]
    sample = event.test and event.type is not EventType.TEST
    return f"{look.emoji} {look.title}{SAMPLE if sample else ''}"


def _fallback(event: Event) -> str:
    title = _title(event)
    if event.type is EventType.TEST:
        return title
    said = f"{title}: {_inline(event.data.get('id'))} on {_inline(event.gateway)}"
    if took := _duration(event):
        said += f" after {took}"
    message, error_code = _error_parts(event)
    if reason := message or error_code:
        said += f": {_inline(reason)}"
    return "\n".join([said, *_fallback_details(event)])


def _fallback_details(event: Event) -> Iterator[str]:
    """Yield the lines on the result and the metadata, for services that show no blocks."""
    if copy := _copy_text(event):
        yield mrkdwn.inline(copy, _MAX_ERROR)
    with_content = event.type in WITH_CONTENT
    if with_content and event.content_url and (found := mrkdwn.address(event.content_url)):
        yield found
    items = list(event.metadata.items())
    for name, value in items[:_MAX_FALLBACK_LINES]:
        shown = mrkdwn.inline(value, _MAX_FALLBACK_VALUE)
        yield f"{mrkdwn.inline(name, _MAX_FALLBACK_NAME)}: {shown}"
    if len(items) > _MAX_FALLBACK_LINES:
        yield f"and {len(items) - _MAX_FALLBACK_LINES} more"


def _facts(event: Event) -> Iterator[str]:
    """Yield what is known about the job, one labelled fact at a time."""
    if event.type is EventType.TEST:
        return
    yield _fact("Video", mrkdwn.code(_string(event.data.get("id")) or "", _MAX_ID))
    if model := _string(event.data.get("model")):
        yield _fact("Model", _inline(model))
    yield _fact("Gateway", _inline(event.gateway))
    if took := _duration(event):
        yield _fact(_LOOKS[event.type].after, took)
    if event.type not in _ENDED_BY_GATEWAY and (seen := _last_seen(event)):
        yield _fact("Last seen", seen)
    expires_at = _moment(event.data.get("expires_at"))
    if event.type in WITH_CONTENT and expires_at is not None:
        label = "Expires" if expires_at > event.created_at else "Expired"
        yield _fact(label, mrkdwn.date(expires_at))


def _duration(event: Event) -> str | None:
    """Return in words how long the job took; None if its start is unknown or after its end."""
    started = _moment(event.data.get("created_at"))
    # some gateways give a completion time while the job still runs
    completed = event.data.get("completed_at") if event.type in _ENDED_BY_GATEWAY else None
    ended = _moment(completed)
    if event.type not in _FOLLOW_UPS:
        ended = ended or _moment(event.created_at)
    if event.type is EventType.TEST or started is None or ended is None or ended < started:
        return None
    return times.duration(ended - started)


def _last_seen(event: Event) -> str | None:
    status, progress = _string(event.data.get("status")), event.data.get("progress")
    if status is None:
        return None
    known = isinstance(progress, int) and 0 <= progress <= 100  # noqa: PLR2004 - per cent
    return _inline(status) + (f", {progress:d} %" if known else "")


def _error_parts(event: Event) -> tuple[str | None, str | None]:
    error = event.data.get("error")
    if not isinstance(error, dict):
        return None, None
    return _string(error.get("message")), _string(error.get("code"))


def _error(event: Event) -> str:
    message, error_code = _error_parts(event)
    heading = "*Error*" + (f" {mrkdwn.code(error_code, _MAX_NAME)}" if error_code else "")
    if message:
        return f"{heading}\n{mrkdwn.code_block(message, _MAX_ERROR)}"
    return heading if error_code else ""


def _copy(event: Event) -> str:
    """Return where the copy of the video is, or why there is none."""
    if not (text := _copy_text(event)):
        return ""
    if event.type is EventType.ARCHIVED:
        return f"*Copy*\n{mrkdwn.code(text, _MAX_ERROR)}"
    return f"*Reason*\n{mrkdwn.inline(text, _MAX_ERROR)}"


def _copy_text(event: Event) -> str | None:
    archive = event.archive or {}
    if event.type is EventType.ARCHIVED:
        return _string(archive.get("url")) or _string(archive.get("path"))
    return _string(archive.get("reason")) if event.type is EventType.ARCHIVE_FAILED else None


def _metadata(event: Event) -> list[str]:
    """Return one field per metadata entry; a last one counts those that found no room."""
    items = list(event.metadata.items())
    shown = items if len(items) <= _MAX_FIELDS else items[: _MAX_FIELDS - 1]
    fields = [_fact(mrkdwn.inline(name, _MAX_NAME), _inline(value)) for name, value in shown]
    if len(shown) < len(items):
        fields.append(f"_and {len(items) - len(shown)} more_")
    return fields


def _result(event: Event) -> str | None:
    if event.type not in WITH_CONTENT or event.content_url is None:
        return None
    found = mrkdwn.link(event.content_url, "Download the video")
    # without this a click that ends in 401 looks like a broken link
    return found and f"{found} (the gateway may ask for its API key)"


def _origin(event: Event) -> str:
    moment = _moment(event.created_at)
    recorded = f", {mrkdwn.date(moment)}" if moment is not None else ""
    return f"notifier event {mrkdwn.code(event.id, _MAX_NAME)}{recorded}"


def _fact(label: str, value: str) -> str:
    return f"*{label}*\n{value}"


def _inline(value: Json) -> str:
    return mrkdwn.inline(_string(value) or "", _MAX_VALUE)


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _moment(value: Json) -> int | None:
    """Return a Unix time that calendars can name; some gateways write 0 for "never"."""
    known = isinstance(value, int) and not isinstance(value, bool)
    return value if known and times.FIRST < value <= times.LAST else None
