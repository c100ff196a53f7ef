"""The `slack` format: an incoming-webhook payload that a person reads at a glance.

The parts from top to bottom: what happened; what that means, where the type alone does not say
it; the facts in two columns; the error; the metadata; a link to the result; the event's id. A
part without content is left out. Every text that notifier did not write itself goes through
`mrkdwn` with a maximum length. So the message stays far within Slack's limits (50 blocks, 10
fields of 2000, texts of 3000, headers of 150).

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterator

from notifier.formats import blocks, mrkdwn
from notifier.formats.message import Code, Fact, Link, Message, Moment, Value

_MAX_NAME = 200
_MAX_ID = 1200
_MAX_VALUE = 400
_MAX_ERROR = 1500
_MAX_SUMMARY = 2000
_MAX_FALLBACK_LINES = 4
_MAX_FALLBACK_NAME, _MAX_FALLBACK_VALUE = 60, 100


def render(message: Message) -> bytes:
    """Return the payload: Block Kit blocks, and `text` for notifications."""
    return blocks.payload(_fallback(message), _blocks(message))


def _blocks(message: Message) -> Iterator[blocks.Block]:
    yield blocks.header(message.title)
    if message.meaning:
        yield blocks.section(message.meaning)
    yield from blocks.table([_fact(fact) for fact in message.facts])
    if error := _error(message):
        yield blocks.section(error)
    for note in message.notes:
        yield blocks.section(f"*{note.label}*\n{_shown(note.value, _MAX_ERROR)}")
    yield from blocks.table(_metadata(message))
    if message.link and (result := _link(message.link, message.texts.parenthesis)):
        yield blocks.section(result)
    yield blocks.context(_origin(message))


def _fallback(message: Message) -> str:
    said = mrkdwn.inline(message.summary, _MAX_SUMMARY)
    return "\n".join([said, *_fallback_details(message)])


def _fallback_details(message: Message) -> Iterator[str]:
    """Yield the lines on the result and the metadata, for services that show no blocks."""
    colon = message.texts.colon
    for note in message.notes:
        if isinstance(note.value, Code):
            yield f"{note.label}{colon}{mrkdwn.inline(note.value.text, _MAX_VALUE)}"
    if message.link and (found := mrkdwn.address(message.link.url)):
        yield found
    for name, value in message.metadata[:_MAX_FALLBACK_LINES]:
        shown = mrkdwn.inline(str(value), _MAX_FALLBACK_VALUE)
        yield f"{mrkdwn.inline(name, _MAX_FALLBACK_NAME)}{colon}{shown}"
    more = message.more + len(message.metadata[_MAX_FALLBACK_LINES:])
    if more:
        yield message.texts.more.format(count=more)


def _error(message: Message) -> str:
    if message.error is None:
        return ""
    code, text = message.error
    heading = f"*{message.texts.error}*" + (f" {mrkdwn.code(code, _MAX_NAME)}" if code else "")
    return f"{heading}\n{mrkdwn.code_block(text, _MAX_ERROR)}" if text else heading


def _metadata(message: Message) -> list[str]:
    """Return one field per metadata entry; a last one counts those that found no room."""
    fields = [
        f"*{mrkdwn.inline(name, _MAX_NAME)}*\n{mrkdwn.inline(str(value), _MAX_VALUE)}"
        for name, value in message.metadata
    ]
    if message.more:
        fields.append(f"_{message.texts.more.format(count=message.more)}_")
    return fields


def _link(link: Link, parenthesis: tuple[str, str]) -> str | None:
    found = mrkdwn.link(link.url, link.label)
    before, after = parenthesis
    return found and f"{found}{before}{link.note}{after}"


def _origin(message: Message) -> str:
    moment = message.created_at
    recorded = f" · {mrkdwn.date(moment)}" if moment is not None else ""
    return f"{message.texts.origin} {mrkdwn.code(message.origin, _MAX_NAME)}{recorded}"


def _fact(fact: Fact) -> str:
    return f"*{fact.label}*\n{_shown(fact.value, _MAX_ID)}"


def _shown(value: Value, longest: int) -> str:
    match value:
        case Code(text):
            return mrkdwn.code(text, longest)
        case Moment(seconds):
            return mrkdwn.date(seconds)
        case str():
            return mrkdwn.inline(value, longest)
