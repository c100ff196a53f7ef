"""Checks of `[[watches]]` entries: in the config, in a drop-in or on the command line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from notifier.config.bad_value import quoted, which_name
from notifier.config.findings import Finding, Location, key_path
from notifier.config.models import DropIn, ParseContext, WatchTable
from notifier.config.settings import Config
from notifier.config.validation import validate
from notifier.errors import ConfigError
from notifier.model.watch import WatchKey, WatchSpec

_NO_SECRETS = ParseContext(Path(), {})


class Names(NamedTuple):
    """The names of gateways and endpoints that a watch can refer to."""

    gateways: Sequence[str]
    endpoints: Sequence[str]

    @classmethod
    def of(cls, config: Config) -> "Names":
        """Return the names that are configured in a checked config."""
        return cls(tuple(config.gateways), tuple(config.endpoints))


def check_watch(entry: Mapping[str, Any], config: Config) -> WatchSpec:
    """Return the watch that one `[[watches]]` entry describes.

    Raises ConfigError with everything that is wrong with it.
    """
    specs, findings = read_watches({"watches": [entry]}, Names.of(config))
    if findings:
        inner = [replace(each, location=each.location[2:]) for each in findings]
        raise ConfigError([each.problem("watch") for each in inner])
    return specs[0]


def read_watches(
    raw: Mapping[str, Any], names: Names
) -> tuple[tuple[WatchSpec, ...], list[Finding]]:
    """Return the watches of a document that holds nothing else, and the findings about it.

    The watches are in the document's order; there are none when there are findings.
    """
    dropin, findings = validate(DropIn, raw, _NO_SECRETS)
    findings += watch_disagreements(raw, names)
    if dropin is None or findings:
        return (), findings
    return tuple(to_spec(table, names) for table in dropin.watches), []


def to_spec(table: WatchTable, names: Names) -> WatchSpec:
    """Return the watch of a checked table whose references are valid."""
    gateway = names.gateways[0] if table.gateway is None else table.gateway
    # sorted, so that two lists of the same endpoints are equal settings
    endpoints = None if table.endpoints is None else tuple(sorted(table.endpoints))
    return WatchSpec(
        key=WatchKey(gateway, table.video_id),
        endpoints=endpoints,
        metadata=table.metadata,
        give_up_after=table.give_up_after,
        generation=table.generation,
    )


def watch_disagreements(raw: Mapping[str, Any], names: Names) -> Iterator[Finding]:
    """Find references to unknown names, and watches that contradict each other."""
    entries = raw.get("watches")
    if not isinstance(entries, list):
        return
    seen: dict[tuple[WatchKey, int], tuple[int, WatchSpec]] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        wrong = list(_references(("watches", index), entry, names))
        yield from wrong
        table, findings = validate(WatchTable, entry, _NO_SECRETS)
        if wrong or findings or table is None:
            continue
        spec = to_spec(table, names)
        first, other = seen.setdefault((spec.key, spec.generation), (index, spec))
        if other != spec:
            yield Finding(
                ("watches", index),
                f"lists the same video as {key_path(('watches', first))} with other settings",
                "keep one of them",
            )


def _references(location: Location, entry: Mapping[str, Any], names: Names) -> Iterator[Finding]:
    gateway = entry.get("gateway")
    if gateway is None and len(names.gateways) > 1:
        hint = which_name(None, names.gateways, "gateway")
        yield Finding((*location, "gateway"), "is required with more than one gateway", hint)
    if isinstance(gateway, str) and gateway not in names.gateways:
        hint = which_name(gateway, names.gateways, "gateway")
        yield _unknown((*location, "gateway"), gateway, "is not the name of a gateway", hint)
    endpoints = entry.get("endpoints")
    if not isinstance(endpoints, list):
        return
    seen = set()
    for index, name in enumerate(endpoints):
        if not isinstance(name, str):
            continue
        at = (*location, "endpoints", index)
        if name not in names.endpoints:
            hint = which_name(name, names.endpoints, "endpoint")
            yield _unknown(at, name, "is not the name of an endpoint", hint)
        elif name in seen:
            yield Finding(at, "stands here twice", "keep one")
        seen.add(name)


def _unknown(location: Location, name: str, message: str, hint: str) -> Finding:
    return Finding(location, message, hint, quoted(name))
