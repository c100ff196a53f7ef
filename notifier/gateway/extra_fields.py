"""Keeps the fields that a gateway added to a job, as far as receivers may have them.

Fields whose names are hidden are removed at any depth: a server's own file paths are not for
receivers. The rest is bounded to what an event can hold.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate
from functools import lru_cache

from notifier.model.extras import pack
from notifier.model.video import NOTHING, Json

PROTOCOL = frozenset(
    {
        "id", "object", "model", "status", "progress", "created_at", "completed_at",
        "expires_at", "seconds", "size", "remixed_from_video_id", "error",
    }
)  # fmt: skip
"""The protocol's own fields; all others are a gateway's."""

MAX_EXTRA = 20_000
"""Most that is kept of a gateway's own fields, in bytes of JSON: more never fits an event."""

DEFAULT_HIDDEN = ("file_path", "*_path")
"""The default of `hide_fields`: where a server keeps its files."""

_LONGEST_CHARACTER = 6  # bytes of JSON, as an escape
_AROUND = 32  # bytes around a text and its name, or the longest float and its name


def extra_fields(body: dict[str, Json], hidden: Sequence[str]) -> Mapping[str, Json]:
    """Return a job's own fields, the smallest first as long as they fit together.

    `hidden` are patterns of names, such as `*_path`. They match in any case, and in the plural.
    """
    if body.keys() <= PROTOCOL:
        return NOTHING
    is_hidden = _matcher(tuple(hidden))
    extra = {
        name: _without(value, is_hidden)
        for name, value in body.items()
        if name not in PROTOCOL and not is_hidden(name)
    }
    return pack(extra if _at_most(extra) <= MAX_EXTRA else _bounded(extra))


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    if not patterns:
        return lambda _: False
    matches = re.compile(
        "|".join(f"(?:{translate(pattern.lower())})" for pattern in patterns)
    ).match
    return lambda name: bool(
        matches(name.lower()) or (name[-1:] in {"s", "S"} and matches(name[:-1].lower()))
    )


def _without(value: Json, is_hidden: Callable[[str], bool]) -> Json:
    match value:
        case dict():
            return {
                name: _without(item, is_hidden)
                for name, item in value.items()
                if not is_hidden(name)
            }
        case list():
            return [_without(item, is_hidden) for item in value]
        case _:
            return value


def _at_most(container: dict[str, Json] | list[Json]) -> int:
    """Return a number of bytes that the JSON of `container` does not exceed, found quickly."""
    size = len(container) * _AROUND + 2
    if isinstance(container, dict):
        size += len("".join(container)) * _LONGEST_CHARACTER
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, str):
            size += len(value) * _LONGEST_CHARACTER
        elif isinstance(value, dict | list):
            size += _at_most(value)
        elif isinstance(value, int):
            size += value.bit_length() // 3
    return size


def _bounded(extra: dict[str, Json]) -> dict[str, Json]:
    sizes = {name: _size({name: value}) for name, value in extra.items()}
    kept: set[str] = set()
    room = MAX_EXTRA
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room < 0:
            break
        kept.add(name)
    return {name: value for name, value in extra.items() if name in kept}


def _size(value: Json) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
