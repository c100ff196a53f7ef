"""One instance among others: alive, doing its share of the work, and getting its mail."""

from collections import Counter

import trio

from notifier import log
from notifier.cluster.budget import Budgets
from notifier.cluster.config_differences import ConfigDifferences
from notifier.cluster.deps import MemberStore, Wanted, Work
from notifier.cluster.leaseholder import Leaseholder
from notifier.cluster.membership import Membership
from notifier.cluster.trust import Trust
from notifier.errors import StoreError
from notifier.metrics import ClusterCondition, Metrics
from notifier.model.instance import ClusterState, Configured
from notifier.model.watch import Mail
from notifier.wakeup import Wakeup

_LOOK = 2.0
"""The time between two looks into the mailbox without a hint, in seconds."""

_FOR_EVER = 3600.0


class Member:
    """Does this instance's share of the work that its config `wanted`.

    It has joined with `membership`; until `run` it owns nothing and asks nothing. `metrics` say
    how it stands.
    """

    def __init__(
        self,
        store: MemberStore,
        work: Work,
        wanted: Wanted,
        membership: Membership,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._work = work
        self._membership = membership
        self._beaten = Wakeup()
        self._leaseholder = Leaseholder(
            store,
            work,
            wanted,
            patience=membership.lease / 2,
            rng=membership.rng,
            handed_over=self._on_handed_over,
            took_over=metrics.takeover,
        )
        self._differences = ConfigDifferences()
        self._metrics = metrics
        metrics.joined_cluster(self._condition)
        self._budgets = Budgets(store, work)
        self._mail = Wakeup()
        self._reading = trio.Lock()
        """Mail that is newer than what is read of a shard must not be applied before that."""
        self._handed_over = trio.Event()
        self._log = log.get()
        self._budgets.forget(self._gateways())

    @property
    def trust(self) -> Trust:
        """Until when this instance may work."""
        return self._membership.trust

    @property
    def leaseholder(self) -> Leaseholder:
        """What this instance owns."""
        return self._leaseholder

    @property
    def membership(self) -> Membership:
        """This instance as the others see it, and the others."""
        return self._membership

    def hint(self) -> None:
        """Hint that there may be mail."""
        self._mail.notify()

    def change(self, wanted: Wanted) -> None:
        """Own what this config has from now on."""
        self._leaseholder.wanted = wanted
        self._beaten.notify()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be a member for ever; started once the first work has been taken."""
        alive = self._membership.keep_alive
        async with trio.open_nursery() as nursery:
            # loading what is taken may last for longer than a lease
            nursery.start_soon(alive, self._beaten.notify, self._drop, self._gateways)
            await self._follow(nursery)
            task_status.started()
            nursery.start_soon(self._keep_following, nursery)
            await self._read_mail()

    async def drain(self) -> None:
        """Hand over all that this instance owns; return when others can do it."""
        self._leaseholder.is_leaving = True
        self._beaten.notify()
        await self._handed_over.wait()

    async def leave(self) -> None:
        """Be no member any more; raises StoreError, then the others find out."""
        await self._membership.leave()

    def _on_handed_over(self) -> None:
        self._membership.tell_freed()
        if self._leaseholder.is_draining:
            self._beaten.notify()

    def _condition(self) -> ClusterCondition:
        state = self._membership.state
        return ClusterCondition(
            instances=0 if state is None else len(state.instances),
            leases=Counter(lease.kind for lease in self._leaseholder.held),
            trust=self.trust.left(),
            differing=len(self._differences.endpoints),
        )

    def _gateways(self) -> list[str]:
        return sorted(self._leaseholder.wanted.budgets)

    def _drop(self) -> None:
        """End all work at once: this instance was buried."""
        self._work.drop()
        self._leaseholder.forget()
        self._budgets.forget(self._gateways())

    async def _keep_following(self, nursery: trio.Nursery) -> None:
        while True:
            await self._beaten.wait(_FOR_EVER)
            await self._follow(nursery)

    async def _follow(self, nursery: trio.Nursery) -> None:
        """Own and ask as the last beat's state says; the next beat tries again what fails."""
        state = self._membership.state
        if state is None or not self.trust.holds():
            return
        self._differences.follow(self._membership.id, state, self._leaseholder.wanted)
        try:
            await self._configure(state)
            async with self._reading:
                await self._leaseholder.update(self._membership.id, state, nursery)
            # last, by what is there to ask now
            await self._budgets.update(self._membership.id, self._leaseholder.wanted.budgets)
        except StoreError as error:
            self._log.error("cluster_waits_for_store", reason=str(error))
        if self._leaseholder.is_leaving and self._leaseholder.is_empty:
            self._handed_over.set()

    async def _configure(self, state: ClusterState) -> None:
        """Tell the others what this instance does of which gateways, if they do not know."""
        known = state.configured.get(self._membership.id, Configured())
        wanted = self._leaseholder.wanted
        if known != Configured(frozenset(wanted.budgets), known.endpoints, wanted.services):
            await self._store.configure_gateways(self._gateways(), wanted.services)

    async def _read_mail(self) -> None:
        """Apply what has changed in own shards, on a hint and every few seconds."""
        while True:
            was_hinted = await self._mail.wait(_LOOK)
            try:
                async with self._reading:
                    await self._apply_mail(was_hinted=was_hinted)
            except StoreError as error:
                self._log.error("mail_waits_for_store", reason=str(error))

    async def _apply_mail(self, *, was_hinted: bool) -> None:
        """Apply all mail; what was read without the answer having come is read again."""
        mail = Mail()
        while self.trust.holds():
            mail = await self._store.read_mail(mail.rows)
            if not mail.rows:
                break
            if not was_hinted:
                self._metrics.late_hint()
            owns = self._leaseholder.owns
            mine = [watch for watch in mail.changes.updated if owns(watch.fence)]
            self._work.apply(mail.changes._replace(updated=mine))
