"""What is different between two scans of the sources. Pure."""

from collections.abc import Collection, Iterator, Mapping

from notifier.model.watch import Listing, ListingChange, WatchKey, WatchSpec

_EMPTY = Listing("", ())


def differences(
    before: Mapping[str, Listing], found: Mapping[str, Listing], kept: Collection[str]
) -> list[ListingChange]:
    """Return the differences by source.

    `found` are the sources that could be read, `kept` the names of all that are still there: a
    source that is kept and not found (a broken file) is as it was before.
    """
    changes = list(_changed(before, found))
    for source, listing in before.items():
        if source not in kept:
            changes.append(ListingChange(source, removed=tuple(_by_key(listing))))
    return changes


def _changed(
    before: Mapping[str, Listing], found: Mapping[str, Listing]
) -> Iterator[ListingChange]:
    for source, listing in found.items():
        old = before.get(source, _EMPTY)
        if old is listing:
            continue
        was, now = _by_key(old), _by_key(listing)
        specs = tuple(spec for key, spec in now.items() if was.get(key) != spec)
        removed = tuple(key for key in was if key not in now)
        if specs or removed:
            yield ListingChange(source, specs, removed)


def _by_key(listing: Listing) -> dict[WatchKey, WatchSpec]:
    """Return one spec per key: the one of the highest generation."""
    latest: dict[WatchKey, WatchSpec] = {}
    for spec in listing.specs:
        if spec.key not in latest or spec.generation > latest[spec.key].generation:
            latest[spec.key] = spec
    return latest
