"""Renders events as messages; each format is one pure function.

A renderer takes an event and returns the bytes that are POSTed. It needs no clock and never
fails, because an event that cannot be rendered could never be delivered. A new format is a word
in `Format`, a module here and a line in each table.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from notifier.formats import notices, slack, standard
from notifier.model.delivery import Format
from notifier.model.event import Event, Notice

RENDERERS: Mapping[Format, Callable[[Event], bytes]] = MappingProxyType(
    {Format.STANDARD: standard.render, Format.SLACK: slack.render}
)
"""The body of an event in each format."""

NOTICE_RENDERERS: Mapping[Format, Callable[[Notice], bytes]] = MappingProxyType(
    {Format.STANDARD: notices.render_standard, Format.SLACK: notices.render_slack}
)
"""The body of an event about an endpoint in each format."""
