"""Checks of `[[watches]]` entries: in the config, in a drop-in or on the command line."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from notifier.config.findings import Finding, key_path
from notifier.config.models import DropIn, WatchTable
from notifier.config.references import Names, unknown_references
from notifier.config.secret_sources import ParseContext
from notifier.config.settings import Config
from notifier.config.validation import validate
from notifier.errors import ConfigError
from notifier.model.watch import WatchKey, WatchSpec

_NO_SECRETS = ParseContext(Path(), {})


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
        wrong = list(unknown_references(("watches", index), entry, names))
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
