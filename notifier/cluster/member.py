"""One instance among others: alive, doing its share of the work, and getting its mail."""

import trio

from notifier import log
from notifier.cluster.budget import Budgets
from notifier.cluster.deps import MemberStore, Surroundings, Wanted, Work
from notifier.cluster.leaseholder import Leaseholder
from notifier.cluster.membership import Membership
from notifier.cluster.trust import Trust
from notifier.errors import StoreError
from notifier.model.instance import Instance
from notifier.wakeup import Wakeup

_LOOK = 2.0
"""The time between two looks into the mailbox without a hint, in seconds."""

_FOR_EVER = 3600.0


class Member:
    """Makes this process, known as `identity`, a member of the cluster.

    It lives for `lease` seconds after each beat. `join` comes first, then `run`.
    """

    def __init__(
        self,
        store: MemberStore,
        work: Work,
        wanted: Wanted,
        identity: Instance,
        *,
        lease: float,
        around: Surroundings,
    ) -> None:
        self._store = store
        self._work = work
        self._membership = Membership(store, identity, lease, around)
        self._beaten = Wakeup()
        self._leaseholder = Leaseholder(
            store,
            work,
            wanted,
            patience=lease / 2,
            rng=around.rng,
            changed=self._beaten.notify,
        )
        self._budgets = Budgets(store, work)
        self._mail = Wakeup()
        self._handed_over = trio.Event()
        self._log = log.get()

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

    async def join(self) -> None:
        """Become a member; raises InstanceRefusedError or StoreError."""
        self._budgets.forget(self._gateways())
        await self._membership.join(self._gateways)

    def hint(self) -> None:
        """Hint that there may be mail."""
        self._mail.notify()

    async def change(self, wanted: Wanted) -> None:
        """Own what this config has from now on; raises StoreError."""
        self._leaseholder.wanted = wanted
        await self._store.configure_gateways(self._gateways())
        self._beaten.notify()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Be a member for ever; started once the first work has been taken."""
        async with trio.open_nursery() as nursery:
            await self._follow(nursery)
            task_status.started()
            nursery.start_soon(self._keep_following, nursery)
            nursery.start_soon(self._read_mail)
            await self._membership.keep_alive(self._beaten.notify, self._drop, self._gateways)

    async def drain(self) -> None:
        """Hand over all that this instance owns; return when others can do it."""
        self._leaseholder.is_draining = True
        self._beaten.notify()
        await self._handed_over.wait()

    async def leave(self) -> None:
        """Be no member any more; raises StoreError, then the others find out."""
        self.trust.end()
        await self._store.leave()

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
        try:
            await self._budgets.update(self._membership.id, self._leaseholder.wanted.budgets)
            await self._leaseholder.update(self._membership.id, state, nursery)
        except StoreError as error:
            self._log.error("cluster_waits_for_store", reason=str(error))
        if self._leaseholder.is_draining and self._leaseholder.is_empty:
            self._handed_over.set()

    async def _read_mail(self) -> None:
        """Apply what has changed in own shards, on a hint and every few seconds."""
        while True:
            await self._mail.wait(_LOOK)
            try:
                while self.trust.holds():
                    changes = await self._store.empty_mailbox()
                    if not changes:
                        break
                    owns = self._leaseholder.owns
                    mine = [watch for watch in changes.updated if owns(watch.fence)]
                    self._work.apply(changes._replace(updated=mine))
            except StoreError as error:
                self._log.error("mail_waits_for_store", reason=str(error))
