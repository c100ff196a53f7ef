"""What is different between two scans of the sources. Pure."""

from collections.abc import Collection, Iterator, Mapping

from notifier.model.watch import Listing, ListingChange, WatchKey, WatchSpec

_EMPTY = Listing("", ())


def differences(
    before: Mapping[str, Listing], found: Mapping[str, Listing], gone: Collection[str]
) -> list[ListingChange]:
    """Return the differences by source: `found` are those read again, `gone` those that left.

    Every other source (a broken file among them) is as it was before.
    """
    left = (before[source] for source in gone if source in before)
    changes = [*_changed(before, found)]
    changes += [ListingChange(each.source, removed=tuple(_by_key(each))) for each in left]
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
