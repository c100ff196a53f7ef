"""Holds a gateway's own fields in memory that is bounded by their JSON.

A snapshot is kept for each watch. 15 kB of JSON with thousands of empty objects takes 350 kB as
dictionaries. So fields that hold many objects are kept as the text of their JSON and decoded each
time they are read, which is rare: an event, a store write, a probe.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache

from notifier.model.video import NOTHING, Json

_FEW = 40
"""Up to so many values are kept as they are."""


class PackedFields(Mapping[str, Json]):
    """A mapping that is kept as the text of its JSON."""

    __slots__ = ("_text",)

    def __init__(self, fields: Mapping[str, Json]) -> None:
        self._text = json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":"))

    def _fields(self) -> dict[str, Json]:
        return _decoded(self._text)

    def __getitem__(self, name: str) -> Json:
        return self._fields()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedFields):
            return self._text == other._text
        return isinstance(other, Mapping) and self._fields() == dict(other)

    __hash__ = None  # type: ignore[assignment]  # like dict

    def __repr__(self) -> str:
        """Return the fields as a dictionary shows them."""
        return repr(self._fields())


@lru_cache(maxsize=1)  # whoever copies the fields reads them one by one
def _decoded(text: str) -> dict[str, Json]:
    fields: dict[str, Json] = json.loads(text)
    return fields


def pack(fields: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return `fields` in a form whose memory is bounded by the size of their JSON."""
    if not fields:
        return NOTHING
    return fields if _has_few_values(fields) else PackedFields(fields)


def _has_few_values(fields: Mapping[str, Json]) -> bool:
    left = _FEW
    todo: list[Json] = [fields]
    while todo:
        value = todo.pop()
        children = value.values() if isinstance(value, Mapping) else value
        left -= len(children)
        if left < 0:
            return False
        todo.extend(child for child in children if isinstance(child, dict | list))
    return True
