"""Endpoints that this instance and another one have not configured alike."""

from collections.abc import Collection

from notifier import log
from notifier.cluster.deps import Wanted
from notifier.model.instance import ClusterState, Configured, lacking

_DIFFERS = "where their events go depends on which instance delivers; bring the configs in line"
_LACKS = (
    "what this instance records does not go to them, only to its own; bring the configs in line"
)


class ConfigDifferences:
    """The endpoints that differ, as the last beat showed them; each is warned of once.

    `endpoints` are the own ones that another instance has with another URL, `lacking` those that
    only others have. While a config is rolled out they differ for a moment, so none of them is an
    error.
    """

    def __init__(self) -> None:
        self._log = log.get()
        self.endpoints: frozenset[str] = frozenset()
        self.lacking: frozenset[str] = frozenset()

    def follow(self, me: str, state: ClusterState, wanted: Wanted) -> None:
        """Note what differs now, and log what has begun or ceased to."""
        own = state.configured.get(me, Configured()).endpoints
        now = own.intersection(state.differing)
        self._report("config_differs", _DIFFERS, self.endpoints, now)
        self.endpoints = now
        # the beat may be older than what this instance has told of itself
        mine = Configured(frozenset(wanted.budgets), frozenset(wanted.lanes))
        lacks = frozenset(lacking({**state.configured, me: mine}).get(me, ()))
        self._report("config_lacks", _LACKS, self.lacking, lacks)
        self.lacking = lacks

    def _report(
        self, event: str, hint: str, before: Collection[str], now: Collection[str]
    ) -> None:
        if new := set(now) - set(before):
            self._log.warning(event, endpoints=sorted(new), hint=hint)
        if over := set(before) - set(now):
            self._log.info(f"{event}_no_more", endpoints=sorted(over))
