"""References from watches to gateways and endpoints, checked on the raw entries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from notifier.config.bad_value import quoted, which_name
from notifier.config.findings import Finding, Location


class Named(Protocol):
    """A config, as far as the names of its tables go."""

    @property
    def gateways(self) -> Collection[str]:
        """Return the gateways' names."""

    @property
    def endpoints(self) -> Collection[str]:
        """Return the endpoints' names."""


class Names(NamedTuple):
    """The names of gateways and endpoints that a watch can refer to."""

    gateways: Sequence[str]
    endpoints: Sequence[str]

    @classmethod
    def of(cls, config: Named) -> "Names":
        """Return the names that are configured in a checked config."""
        return cls(tuple(config.gateways), tuple(config.endpoints))


def unknown_references(
    location: Location, entry: Mapping[str, Any], names: Names
) -> Iterator[Finding]:
    """Find references of a `[[watches]]` entry to names that are not configured."""
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
