"""Being alive: registers this instance, beats, and buries those that do not.

An instance is dead when its row is gone, never merely when it looks late. One that finds its own
row gone has been buried: it drops all work at once and registers anew, as another instance.
"""

import math
from collections.abc import Callable
from random import Random

import trio

from notifier import log
from notifier.cluster.deps import MemberStore, Surroundings
from notifier.cluster.trust import Trust
from notifier.errors import InstanceRefusedError, OutdatedError, StoreError
from notifier.model.instance import ClusterState, Instance, Registered
from notifier.wakeup import Wakeup

_BEATS = 3
"""How many beats are sent in a lease time."""

_SPREAD = 0.2
_AGAIN = 0.5
_PROMOTED = "the last commits may be lost: everything is read anew"
_SOON = 0.05
_BETWEEN_HINTED = 1.0
"""The least time between two beats that follow a hint, in seconds."""


class Membership:
    """Keeps one instance alive for `lease` seconds at a time.

    `identity` is this process; its id is replaced at each registration.
    """

    def __init__(
        self, store: MemberStore, identity: Instance, lease: float, around: Surroundings
    ) -> None:
        self._store = store
        self._identity = identity
        self.lease = lease
        self._around = around
        self._log = log.get()
        self._is_reachable = True
        self._history = ""
        self._hinted = Wakeup()
        self._hinted_at = -math.inf
        self._clock_ahead = math.inf
        self.trust = Trust(lease, around.clock)
        self.state: ClusterState | None = None
        """How things were at the last beat; None before the first."""

    @property
    def rng(self) -> Random:
        """The randomness that the member shares."""
        return self._around.rng

    @property
    def id(self) -> str:
        """The id of the present registration."""
        return self._identity.id

    def hint(self) -> None:
        """Hint that things have changed: beat soon."""
        self._hinted.notify()

    def tell_freed(self) -> None:
        """Tell the other instances that there may be leases to take."""
        self._around.leases_freed()

    async def leave(self) -> None:
        """Be no member any more; raises StoreError, then the others find out."""
        self.trust.end()
        await self._store.leave()
        self.tell_freed()

    async def join(self, gateways: Callable[[], list[str]]) -> None:
        """Register, and beat for the first time; raises InstanceRefusedError or StoreError.

        A row of the same name may be of a former process of this machine, which is buried at
        once, or of a machine that died. That one is buried when its time is over and it has not
        beaten for a lease time, whatever was done to the database's clock.
        """
        began = beaten_at = self._around.clock()
        beat: tuple[str, float] | None = None
        while not await self._register(gateways()):
            namesake = await self._namesake()
            if namesake is not None:
                now, last_beat = self._around.clock(), (namesake.instance.id, namesake.expires_at)
                if beat is not None and beat != last_beat and now - began > self.lease:
                    raise InstanceRefusedError(self._identity.name)
                if beat != last_beat:
                    beaten_at = now
                if await self._is_buried(namesake.instance, now - beaten_at):
                    continue
                if beat is None:
                    name, wait = self._identity.name, self.lease
                    self._log.warning("instance_name_in_use", instance=name, waits_seconds=wait)
                beat = last_beat
            await trio.sleep(_AGAIN)
        await self.beat()
        self._history = await self._store.history() or self._history
        self._log.info("instance_joined", instance=self._identity.name, id=self.id)

    async def _namesake(self) -> Registered | None:
        """Return the instance that has this one's name."""
        found = await self._store.instances()
        return next((one for one in found if one.instance.name == self._identity.name), None)

    async def _is_buried(self, namesake: Instance, silent: float) -> bool:
        """Bury a namesake that is dead, or seems to be after so many seconds without a beat."""
        if self._around.is_dead(namesake):
            await self._store.bury(namesake.id)
            return True
        return silent > self.lease and await self._store.bury_if_expired(namesake.id)

    async def _register(self, gateways: list[str]) -> bool:
        self._identity = self._identity._replace(id=self._around.new_id())
        return await self._store.register(self._identity, self.lease, gateways)

    async def beat(self) -> bool:
        """Tell the store that this instance lives; False if it was buried. Raises StoreError."""
        sent = self._around.clock()
        state = await self._store.beat(self.lease)
        if state is None:
            self.trust.end()
            self.state = None
            return False
        self.trust.renew(sent)
        at = (sent + self._around.clock()) / 2
        self._follow_clock(state.now - at)
        self._around.set_time(state.now, at)
        self.state = state
        return True

    def _follow_clock(self, ahead: float) -> None:
        """Judge nobody after a step of the database's clock, which is `ahead` of the own one.

        The times that the others may live until are by what it was when they beat.
        """
        if abs(ahead - self._clock_ahead) > self.lease / _BEATS:
            self.trust.doubt()
        self._clock_ahead = ahead

    async def keep_alive(
        self,
        on_beat: Callable[[], None],
        on_buried: Callable[[], None],
        gateways: Callable[[], list[str]],
    ) -> None:
        """Beat for ever; `on_beat` follows each beat, `on_buried` the news of being buried.

        A standby that was promoted may lack the last commits: this instance begins anew, too.
        Raises OutdatedError when this instance was buried and a newer one has the store since.
        """
        while True:
            await self._wait(self._pause())
            try:
                if not await self.beat():
                    self._log.error("instance_was_buried", instance=self._identity.name)
                    on_buried()
                    await self.join(gateways)
                elif await self._has_other_history():
                    self._log.warning("standby_promoted", hint=_PROMOTED)
                    self.trust.end()
                    on_buried()
                    await self._store.leave()
                    await self.join(gateways)
                else:
                    await self._bury()
                on_beat()
                self._report_reachable()
            except OutdatedError:
                raise
            except (StoreError, InstanceRefusedError) as error:
                self.trust.doubt()
                self._report_unreachable(error)

    async def _has_other_history(self) -> bool:
        """Tell whether the store may lack commits that this instance knows of."""
        history = await self._store.history()
        known, self._history = self._history, history or self._history
        return bool(known and history) and known != history

    async def _bury(self) -> None:
        if self.state is None or not self.trust.may_bury():
            return
        # as of the beat: what comes after it may wait for a store that is away for all
        buried = await self._store.bury_expired(self.state.now)
        for dead in buried:
            self._log.warning("instance_buried", instance=dead.name, id=dead.id, host=dead.host)
            self.state = _without(self.state, dead.id)
        if buried:
            self.tell_freed()

    async def _wait(self, pause: float) -> None:
        """Wait for `pause` seconds, or for a hint; many hints do not bring many beats."""
        until = self._around.clock() + pause
        if await self._hinted.wait(pause):
            next_at = min(until, self._hinted_at + _BETWEEN_HINTED)
            await trio.sleep(max(next_at - self._around.clock(), 0))
            self._hinted_at = self._around.clock()

    def _pause(self) -> float:
        """Return the seconds until the next beat: also soon after somebody's time is over."""
        if not self._is_reachable or self.state is None:
            return self.lease / 10
        usual = self.lease / _BEATS
        pause = usual * self._around.rng.uniform(1 - _SPREAD, 1 + _SPREAD)
        others = [one for one in self.state.instances if one.instance.id != self.id]
        over = min((one.expires_at - self.state.now for one in others), default=math.inf)
        return min(pause, max(over, 0.0) + _SOON) if over > 0 else min(pause, usual / 2)

    def _report_unreachable(self, error: Exception) -> None:
        if self._is_reachable:
            trust = round(self.trust.left(), 1)
            self._log.error("store_unreachable", reason=str(error), works_for=trust)
        self._is_reachable = False

    def _report_reachable(self) -> None:
        if not self._is_reachable:
            self._log.warning("store_reachable_again")
        self._is_reachable = True


def _without(state: ClusterState, dead: str) -> ClusterState:
    """Return `state` after a burial: what the dead one owned is free."""
    return state._replace(
        instances=[one for one in state.instances if one.instance.id != dead],
        leases=[
            lease._replace(owner=None) if lease.owner == dead else lease for lease in state.leases
        ],
    )
