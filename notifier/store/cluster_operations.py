"""The store's operations of an instance among others: being alive, owning, getting mail."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from notifier.errors import StoreError
from notifier.model.cluster_view import ClusterView
from notifier.model.grant import Grant, Granted
from notifier.model.instance import ClusterState, Instance, Registered
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence, Lease, Service
from notifier.model.watch import Mail, Watch
from notifier.store import (
    cluster_views,
    configured,
    draining,
    grants,
    instances,
    job_samples,
    leases,
    mailbox,
)
from notifier.store.connection import Connection
from notifier.store.transactions import Transactions

P = ParamSpec("P")
T = TypeVar("T")


class ClusterOperations(Transactions):
    """What an instance does as a member of the cluster; every method raises StoreError.

    `instance` is the id of its registration: another one after it was buried. `url_marks` has a
    mark of the URL of each endpoint that it has configured; None until the store has been told.
    """

    instance = ""
    url_marks: Mapping[str, str] | None = None
    database_time: Callable[[Connection], float] | None = None
    """Reads the clock that decides who is alive (Unix seconds); None for that of this process."""

    database_history: Callable[[Connection], str] | None = None
    """Reads which history of commits the database has; None where there is only one."""

    def _time(self, db: Connection) -> float:
        return self._now() if self.database_time is None else self.database_time(db)

    async def _at_database_time(
        self,
        function: Callable[Concatenate[Connection, float, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a change with the time of the database at that moment."""

        def run(db: Connection) -> T:
            return function(db, self._time(db), *args, **kwargs)

        return await self._leases.transact(run)

    async def register(self, instance: Instance, lease: float, gateways: Collection[str]) -> bool:
        """Add this instance, which lives for `lease` seconds; False while its name is taken."""
        if not await self._at_database_time(_register, instance, lease, gateways, self.url_marks):
            return False
        self.instance = instance.id
        return True

    async def instances(self) -> list[Registered]:
        """Return the instances that were not buried."""
        return await self._query(instances.alive)

    async def beat(self, lease: float) -> ClusterState | None:
        """Live for `lease` seconds more; return how things are, None if it was buried."""
        return await self._at_database_time(_beat, self.instance, lease)

    async def history(self) -> str:
        """Return which history of commits the database has, "" if that cannot be told now.

        It is another one after a standby was promoted, which may lack the last commits.
        """
        if self.database_history is None:
            return ""
        try:
            return await self._query(self.database_history)
        except StoreError:  # not every service that speaks PostgreSQL tells
            return ""

    async def bury_expired(self, as_of: float) -> list[Instance]:
        """Remove the instances whose time was over `as_of` then, and free what they owned.

        Returns them. The time is the database's (Unix seconds).
        """
        return await self._at_database_time(_bury_expired, self.instance, as_of)

    async def bury(self, instance: str) -> None:
        """Remove an instance that is known to be dead, and free what it owned."""
        await self._at_database_time(_remove, instance)

    async def bury_if_expired(self, instance: str) -> bool:
        """Remove an instance whose time is over, and free what it owned; tell whether it was."""
        return await self._at_database_time(_bury_if_expired, self.instance, instance)

    async def leave(self) -> None:
        """Remove this instance; attempts in flight in its lanes are interrupted."""
        await self._at_database_time(_leave, self.instance)

    async def drain(self, name: str) -> None:
        """Have an instance hand over all that it owns.

        Raises UnknownError, and ConflictError when no other one could take over.
        """
        await self._at_database_time(_drain, name)

    async def undrain(self, name: str) -> None:
        """Have an instance that was drained take its share again; raises UnknownError."""
        await self._leases.transact(draining.undrain, name)

    async def announce_draining(self) -> None:
        """Tell the others that this instance hands over all that it owns."""
        await self._leases.transact(instances.set_draining, self.instance)

    async def cluster(self) -> ClusterView:
        """Return the instances that share the store, and what each of them does."""
        return await self._query(lambda db: cluster_views.read(db, self._time(db), self.instance))

    async def configure_gateways(
        self, gateways: Collection[str], services: Collection[Service]
    ) -> None:
        """Store which gateways this instance has, and what it does of them, from now on."""
        await self._at_database_time(_configure_gateways, self.instance, gateways, services)

    async def ensure_leases(self, wanted: Sequence[Lease]) -> None:
        """Make the leases that do not exist yet."""
        await self._leases.transact(leases.ensure, wanted)

    async def take(self, names: Sequence[str]) -> list[Lease]:
        """Own those of these leases that are free; return them."""
        return await self._leases.transact(leases.take, self.instance, names, self._now())

    async def hand_over(self, fences: Sequence[Fence]) -> None:
        """Free these leases, as far as they are owned still."""
        await self._leases.transact(leases.hand_over, fences)

    async def weigh(self, weights: Mapping[str, float]) -> None:
        """Store how much work some of the own leases are."""
        await self._leases.transact(leases.weigh, self.instance, weights)

    async def watches_of(self, owned: Sequence[Lease]) -> list[Watch]:
        """Return the open watches of own shards, each with its fence."""
        return await self._query(leases.watches_of, owned)

    async def read_mail(self, applied: Collection[int]) -> Mail:
        """Remove the mail that was `applied`; return what has changed beside, as it is now."""
        return await self._transact(mailbox.read, self.instance, applied)

    async def adjust_grant(
        self, gateway: str, mine: Grant, next_rate: grants.NextRate, rest_until: float
    ) -> Granted:
        """Return what `mine` may become; it is committed unless it is lower.

        `rest_until` is when the rest of the gateway ends that this instance knows of.
        """
        return await self._leases.transact(grants.adjust, gateway, mine, next_rate, rest_until)

    async def lower_grant(self, gateway: str, mine: Grant) -> None:
        """Commit the lower rate at which this instance asks already."""
        await self._leases.transact(grants.lower, gateway, mine)

    async def samples_after(
        self, number: int, most: int | None = None
    ) -> tuple[list[JobSample], int]:
        """Return the newest job samples after that of a number, and the number of the newest.

        All of them by default, oldest first; 0 is before the first.
        """
        bounds = () if most is None else (most,)
        return await self._query(job_samples.after, number, *bounds)

    async def grants(self) -> dict[str, list[Grant]]:
        """Return the grants of all instances, by gateway."""
        return await self._query(grants.all_grants)


def _register(
    db: Connection,
    now: float,
    instance: Instance,
    lease: float,
    gateways: Collection[str],
    url_marks: Mapping[str, str] | None,
) -> bool:
    if not instances.register(db, instance, lease, now):
        return False
    _configure_gateways(db, now, instance.id, gateways, ())
    if url_marks is not None:
        configured.configure(db, instance.id, "endpoint", url_marks, now)
    return True


def _configure_gateways(
    db: Connection,
    now: float,
    instance: str,
    gateways: Collection[str],
    services: Collection[Service],
) -> None:
    marks = configured.gateway_marks(gateways, services)
    configured.configure(db, instance, "gateway", marks, now)
    grants.keep(db, instance, gateways)


def _drain(db: Connection, now: float, name: str) -> None:
    draining.drain(db, name, now)


def _beat(db: Connection, now: float, instance: str, lease: float) -> ClusterState | None:
    return instances.state(db, now) if instances.beat(db, instance, lease, now) else None


def _bury_expired(db: Connection, now: float, by: str, as_of: float) -> list[Instance]:
    return instances.bury_expired(db, by, as_of, now)


def _bury_if_expired(db: Connection, now: float, by: str, instance: str) -> bool:
    return bool(instances.bury_expired(db, by, now, now, only=instance))


def _remove(db: Connection, now: float, instance: str) -> None:
    instances.remove(db, instance, now)


def _leave(db: Connection, now: float, instance: str) -> None:
    leases.release_interrupted(db, instance)
    instances.remove(db, instance, now)
