"""The peers that the daemon talks to, and the connections to them, while the config may change.

A change is drafted first, which opens the connections it needs and may fail; committing a draft
cannot fail. Connections that are not needed any more are closed at once if they are idle, else
when the exchange on them is over.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import trio

from notifier.http_client import PeerClient, Route, open_client

S = TypeVar("S")
_LINGER = 5.0


@dataclass(frozen=True, slots=True)
class Link:
    """How to connect to one peer; no request takes longer than `longest` seconds."""

    route: Route
    in_flight: int
    longest: float


@dataclass(frozen=True, slots=True)
class Lease:
    """Open connections; `retired` is set when no further request is sent on them."""

    client: PeerClient
    retired: trio.Event = field(default_factory=trio.Event)


@dataclass(frozen=True, slots=True)
class Peer(Generic[S]):
    """One configured peer: its settings and its connections."""

    settings: S
    link: Link
    lease: Lease


class Connections:
    """Opens connections, and keeps each as long as `nursery` lasts or it is needed."""

    def __init__(
        self,
        nursery: trio.Nursery,
        open_: Callable[[int, Route], AbstractAsyncContextManager[PeerClient]] = open_client,
    ) -> None:
        self._nursery = nursery
        self._open = open_

    async def lease(self, link: Link) -> Lease:
        """Open connections; raises TransportError when the route cannot be used."""
        lease: Lease = await self._nursery.start(self._hold, link)
        return lease

    async def _hold(self, link: Link, *, task_status: trio.TaskStatus[Lease]) -> None:
        async with self._open(link.in_flight, link.route) as client:
            lease = Lease(client)
            task_status.started(lease)
            await lease.retired.wait()
            await client.retire()
            await trio.sleep(link.longest + _LINGER)


class Peers(Generic[S]):
    """All peers of one kind, by name."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._present: Mapping[str, Peer[S]] = {}

    @property
    def present(self) -> Mapping[str, Peer[S]]:
        """The peers as they were last committed."""
        return self._present

    async def draft(self, wanted: Mapping[str, tuple[S, Link]]) -> Mapping[str, Peer[S]]:
        """Return all peers as `wanted`, unchanged ones as they are.

        Raises TransportError when a connection cannot be made ready; nothing is left open then.
        """
        drafted: dict[str, Peer[S]] = {}
        try:
            for name, (settings, link) in wanted.items():
                drafted[name] = await self._one(name, settings, link)
        except BaseException:
            self.discard(drafted)
            raise
        return drafted

    async def _one(self, name: str, settings: S, link: Link) -> Peer[S]:
        known = self._present.get(name)
        if known is None or known.link != link:
            return Peer(settings, link, await self._connections.lease(link))
        return known if known.settings == settings else Peer(settings, link, known.lease)

    def discard(self, drafted: Mapping[str, Peer[S]]) -> None:
        """Close what was opened for a draft that will not be committed."""
        self._retire(drafted, kept=self._present)

    def commit(self, drafted: Mapping[str, Peer[S]]) -> None:
        """Make the draft the present; connections that it does not use are closed later."""
        self._retire(self._present, kept=drafted)
        self._present = drafted

    def _retire(self, replaced: Mapping[str, Peer[S]], *, kept: Mapping[str, Peer[S]]) -> None:
        in_use = {id(peer.lease) for peer in kept.values()}
        for peer in replaced.values():
            if id(peer.lease) not in in_use:
                peer.lease.retired.set()


@dataclass(frozen=True, slots=True)
class Difference:
    """The names that were added, changed and removed."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    @classmethod
    def between(cls, before: Mapping[str, object], after: Mapping[str, object]) -> "Difference":
        """Compare two sets of settings by name."""
        return cls(
            added=tuple(name for name in after if name not in before),
            changed=tuple(
                name for name in after if name in before and before[name] != after[name]
            ),
            removed=tuple(name for name in before if name not in after),
        )
