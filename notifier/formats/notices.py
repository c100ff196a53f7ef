"""Renders events about endpoints: short, and with the next step where there is one."""

from notifier.formats import blocks, mrkdwn
from notifier.formats.slack import SAMPLE
from notifier.formats.standard import encode, heading
from notifier.model.event import EventType, Notice

_STATUS = {EventType.ENDPOINT_DISABLED: "disabled", EventType.ENDPOINT_RECOVERED: "enabled"}
_MAX_NAME = 200
_MAX_REASON = 1500


def render_standard(notice: Notice) -> bytes:
    """Return the envelope of a video's event, with an endpoint in `data` and no `watch`."""
    data = {
        "id": notice.endpoint,
        "object": "endpoint",
        "status": _STATUS[notice.type],
        "reason": notice.reason,
        "failing_since": notice.failing_since,
    }
    return encode({**heading(notice), "data": data, "watch": None})


def render_slack(notice: Notice) -> bytes:
    """Return a Slack message that says what happened and what to do."""
    name = mrkdwn.code(notice.endpoint, _MAX_NAME)
    if notice.type is EventType.ENDPOINT_DISABLED:
        title, emoji = "Endpoint disabled", "🔌"
        command = mrkdwn.code(f"notifier endpoints enable {notice.endpoint}", 2 * _MAX_NAME)
        said = f"Deliveries to {name} are held until it is enabled again: {command}"
    else:
        title, emoji = "Endpoint recovered", "✅"
        said = f"{name} takes events again; what was held for it is being delivered."
    title += SAMPLE if notice.test else ""
    parts = [blocks.header(f"{emoji} {title}"), blocks.section(said)]
    if notice.reason:
        reason = mrkdwn.inline(notice.reason, _MAX_REASON)
        parts.append(blocks.section(f"*Reason*\n{reason}"))
    origin = f"notifier event {mrkdwn.code(notice.id, _MAX_NAME)}"
    parts.append(blocks.context(f"{origin}, {mrkdwn.date(notice.created_at)}"))
    return blocks.payload(f"{emoji} {title}: {mrkdwn.inline(notice.endpoint, _MAX_NAME)}", parts)
