"""Decides which entry counts where several sources list the same watch with other settings.

The first taken stands: an entry that disagrees with it is ignored alone, and the rest of its file
counts. When the first is gone, the next takes its place. Another generation of a video is another
watch, so its settings may differ. Pure; a change costs as much as the entries that it touches.
"""

from collections.abc import Collection, Mapping
from itertools import chain
from typing import NamedTuple

from notifier.config.findings import key_path
from notifier.errors import Problem
from notifier.model.watch import Listing, WatchKey, WatchSpec

_Key = tuple[WatchKey, int]


class _Claim(NamedTuple):
    location: str
    spec: WatchSpec


class Claims:
    """What every source lists, the main file first."""

    def __init__(self, main: Listing) -> None:
        self._listings: dict[str, Listing] = {}
        self._claims: dict[_Key, dict[str, _Claim]] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._main = main.source
        self.update({main.source: main}, ())

    def update(self, listed: Mapping[str, Listing], gone: Collection[str]) -> tuple[Listing, ...]:
        """Replace what some sources list, in the order of their names, and forget others.

        Returns every drop-in whose entries that count may have changed, with those entries.
        """
        changed = [(name, listed[name]) for name in sorted(listed)]
        touched = {key for source in (*listed, *gone) for key in self._remove(source)}
        for source, listing in changed:
            touched |= self._add(source, listing)
        affected = {source for key in touched for source in self._claims.get(key, ())}
        judged = [self._judge(self._listings[each]) for each in sorted(affected | set(listed))]
        return tuple(each for each in judged if each.source != self._main)

    def problems(self) -> tuple[Problem, ...]:
        """Return a problem for each entry that is ignored at present."""
        return tuple(chain.from_iterable(self._problems.values()))

    def _remove(self, source: str) -> set[_Key]:
        listing = self._listings.pop(source, None)
        self._problems.pop(source, None)
        keys = set() if listing is None else {_key(spec) for spec in listing.specs}
        for key in keys:
            self._claims[key].pop(source, None)
            if not self._claims[key]:
                del self._claims[key]
        return keys

    def _add(self, source: str, listing: Listing) -> set[_Key]:
        self._listings[source] = listing
        for index, spec in enumerate(listing.specs):
            claim = _Claim(f"{key_path(('watches', index))} of {source}", spec)
            self._claims.setdefault(_key(spec), {}).setdefault(source, claim)
        return {_key(spec) for spec in listing.specs}

    def _judge(self, listing: Listing) -> Listing:
        """Return the entries of a source that count, and note a problem for each of the others."""
        counting, problems = list[WatchSpec](), list[Problem]()
        for index, spec in enumerate(listing.specs):
            first = next(iter(self._claims[_key(spec)].values()))
            if first.spec == spec:
                counting.append(spec)
            else:
                problems.append(_conflict(listing.source, index, first))
        self._problems.pop(listing.source, None)
        if not problems:
            return listing
        self._problems[listing.source] = tuple(problems)
        return Listing(listing.source, tuple(counting))


def _key(spec: WatchSpec) -> _Key:
    return spec.key, spec.generation


def _conflict(source: str, index: int, first: _Claim) -> Problem:
    message = (
        f"lists the same video as {first.location} with other settings; this entry is ignored"
    )
    return Problem(source, key_path(("watches", index)), message, "change or delete one of them")
