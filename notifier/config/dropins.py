"""Drop-in files: each lists watches, and a broken one does not affect the others.

A drop-in is ignored as a whole when it is broken or contradicts a file of higher precedence: the
main file, or a drop-in whose name sorts earlier.
"""

from collections.abc import Sequence
from pathlib import Path

from notifier.config.findings import key_path
from notifier.config.references import Names
from notifier.config.settings import Config
from notifier.config.toml_file import read_toml
from notifier.config.watches import read_watches
from notifier.errors import ConfigError, Problem
from notifier.model.watch import Listing, WatchKey, WatchSpec

_Listed = dict[tuple[WatchKey, int], tuple[str, WatchSpec]]


def read_dropin(path: Path, config: Config) -> Listing:
    """Return what a drop-in lists, in its order.

    Raises ConfigError with everything that is wrong with it. An empty file is an error: shells and
    editors truncate a file before they write it, which must not withdraw its watches.
    """
    specs, findings = read_watches(read_toml(path, may_be_empty=False), Names.of(config))
    if findings:
        raise ConfigError([finding.problem(path) for finding in findings])
    return Listing(path.name, specs)


def accept(main: Listing, candidates: Sequence[Listing]) -> tuple[list[Listing], list[Problem]]:
    """Return the drop-ins that count, sorted by name, and a problem for each of the others.

    The same watch may be listed any number of times with the same settings. Another generation
    of a video is another watch, so its settings may differ.
    """
    listed: _Listed = {}
    _add(listed, main)
    good: list[Listing] = []
    problems: list[Problem] = []
    for candidate in sorted(candidates, key=lambda each: each.source):
        conflict = _conflict(listed, candidate)
        if conflict is None:
            good.append(candidate)
            _add(listed, candidate)
        else:
            problems.append(conflict)
    return good, problems


def _add(listed: _Listed, listing: Listing) -> None:
    for index, spec in enumerate(listing.specs):
        location = f"{key_path(('watches', index))} of {listing.source}"
        listed.setdefault((spec.key, spec.generation), (location, spec))


def _conflict(listed: _Listed, candidate: Listing) -> Problem | None:
    for index, spec in enumerate(candidate.specs):
        location, other = listed.get((spec.key, spec.generation), ("", spec))
        if other != spec:
            message = (
                f"lists the same video as {location} with other settings; the file is ignored"
            )
            key = key_path(("watches", index))
            return Problem(candidate.source, key, message, "change or delete one of them")
    return None
