"""Endpoints that this instance and another one have configured with different URLs."""

from notifier import log
from notifier.model.instance import ClusterState, Configured

_HINT = "where their events go depends on which instance delivers; bring the configs in line"


class ConfigDifferences:
    """The own endpoints that differ, as the last beat showed them; each is warned of once.

    While a config is rolled out they differ for a moment, so none of them is an error.
    """

    def __init__(self) -> None:
        self._log = log.get()
        self.endpoints: frozenset[str] = frozenset()

    def follow(self, me: str, state: ClusterState) -> None:
        """Note what differs now, and log what has begun or ceased to."""
        own = state.configured.get(me, Configured()).endpoints
        now = own.intersection(state.differing)
        if new := now - self.endpoints:
            self._log.warning("config_differs", endpoints=sorted(new), hint=_HINT)
        if over := self.endpoints - now:
            self._log.info("config_differs_no_more", endpoints=sorted(over))
        self.endpoints = now
