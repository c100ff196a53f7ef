"""Decides which leases an instance takes, and which it hands over; pure.

A lease can only be owned by an instance that has configured its subject and does what it is for.
The fair share of an instance is the sum, over the leases that it could own, of their weight
divided by the number of instances that could. Nobody leads: each decides by the same rule, and the
store decides who of two that want a free lease gets it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from notifier.model.lease import Fence, Lease, LeaseKind, Service

TOO_MUCH = 1.25
"""How many times its fair share an instance may own before it hands some over."""

HANDED_OVER = 0.25
"""The share of the surplus that is handed over at once."""

_NEGLIGIBLE = 1e-9


class Member(NamedTuple):
    """A live instance: what its config has, and whether it hands over all that it owns."""

    id: str
    gateways: Collection[str]
    endpoints: Collection[str]
    services: Collection[Service]
    draining: bool = False

    def could_own(self, lease: Lease) -> bool:
        """Tell whether it has configured what a lease is for."""
        if lease.kind is LeaseKind.CHORES:
            return True
        if lease.kind is LeaseKind.LANE:
            return lease.subject in self.endpoints
        if lease.kind is LeaseKind.WATCH:
            return lease.subject in self.gateways
        return Service(lease.kind, lease.subject) in self.services


@dataclass(frozen=True, slots=True)
class Decision:
    """What an instance does next: the names to take, and the ownerships to end."""

    take: Sequence[str] = ()
    hand_over: Sequence[Fence] = ()


def decide(
    me: Member,
    members: Iterable[Member],
    leases: Sequence[Lease],
    *,
    left_over: Collection[str],
    rng: Random,
) -> Decision:
    """Return what the instance `me` does.

    `members` are all live instances. `left_over` has the leases that have been free for a while:
    whoever could own one takes it, whatever its share.
    """
    balance = _Balance(me, [one for one in members if not one.draining])
    take, hand_over = list[str](), list[Fence]()
    for of_kind in _by_group(leases):
        shuffled = rng.sample(of_kind, len(of_kind))
        hand_over += balance.handed_over(shuffled)
        if not me.draining:
            take += balance.taken(shuffled, left_over)
    return Decision(take, hand_over)


def _by_group(leases: Iterable[Lease]) -> Iterator[list[Lease]]:
    """Yield the leases that are weighed against each other: shards, lanes, and all others."""
    groups = defaultdict[LeaseKind | None, list[Lease]](list)
    for lease in leases:
        is_many = lease.kind in {LeaseKind.WATCH, LeaseKind.LANE}
        groups[lease.kind if is_many else None].append(lease)
    yield from groups.values()


class _Balance:
    """Compares what `me` owns with its fair share; `members` are those that may own something."""

    def __init__(self, me: Member, members: Sequence[Member]) -> None:
        self._me = me
        self._members = members

    def taken(self, leases: Sequence[Lease], left_over: Collection[str]) -> Iterator[str]:
        """Yield the names of the free leases to take."""
        fair = self._fair_shares(leases).get(self._me.id, 0.0)
        owned = _owned(leases).get(self._me.id, 0.0)
        for lease in leases:
            if lease.owner is not None or not self._me.could_own(lease):
                continue
            if owned < fair - _NEGLIGIBLE or lease.name in left_over:
                owned += lease.weight
                yield lease.name

    def handed_over(self, leases: Sequence[Lease]) -> Iterator[Fence]:
        """Yield the ownerships to end: what cannot be owned any more, and a part of a surplus."""
        mine = [lease for lease in leases if lease.owner == self._me.id]
        fair, owned = self._fair_shares(leases), _owned(leases)
        surplus = owned.get(self._me.id, 0.0) - fair.get(self._me.id, 0.0)
        is_too_much = surplus > (TOO_MUCH - 1) * fair.get(self._me.id, 0.0) + _NEGLIGIBLE
        to_move = surplus * HANDED_OVER if is_too_much else 0.0
        for lease in mine:
            fence = lease.fence
            assert fence is not None  # noqa: S101 - it has an owner
            if self._me.draining or not self._me.could_own(lease):
                yield fence
            elif to_move > 0 and lease.weight <= surplus and self._has_taker(lease, fair, owned):
                surplus -= lease.weight
                to_move -= lease.weight
                yield fence

    def _fair_shares(self, leases: Iterable[Lease]) -> Mapping[str, float]:
        shares = defaultdict[str, float](float)
        for lease in leases:
            able = [one.id for one in self._members if one.could_own(lease)]
            for member in able:
                shares[member] += lease.weight / len(able)
        return shares

    def _has_taker(
        self, lease: Lease, fair: Mapping[str, float], owned: Mapping[str, float]
    ) -> bool:
        """Tell whether another instance would take a lease if it were free."""
        return any(
            owned.get(one.id, 0.0) < fair.get(one.id, 0.0) - _NEGLIGIBLE
            for one in self._members
            if one.id != self._me.id and one.could_own(lease)
        )


def _owned(leases: Iterable[Lease]) -> Mapping[str, float]:
    owned = defaultdict[str, float](float)
    for lease in leases:
        if lease.owner is not None:
            owned[lease.owner] += lease.weight
    return owned
