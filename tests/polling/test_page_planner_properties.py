"""Whatever a list does, every due video is answered, and it costs no more than asking alone."""

from collections.abc import Callable
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.polling.page_planner import Mode
from tests.polling.planners import BROKEN, REFUSED, Listed, ModelScheduler, names

_OPENED = 3
"""How often lists, and as often the search for pages, may be tried anew within 20 minutes."""

_LOST_BY_ACCOUNT, _LOST_ANCHORS = 5, 50
"""Requests that may be lost each time, besides those in flight."""

GATEWAYS = st.builds(
    Listed,
    most=st.sampled_from([1, 2, 7, 100]),
    refuses_above=st.sampled_from([5, 20, 1000]),
    ignores_after=st.booleans(),
    repeats=st.booleans(),
    always_more=st.booleans(),
    lost_cursor=st.sampled_from([REFUSED, "empty", "head"]),
    down=st.sampled_from([None, None, REFUSED, BROKEN]),
)
CHANGES = ("nothing", "strangers", "begin", "end", "delete", "ignore", "heed", "down", "up")


class World:
    """Jobs that begin, end and are deleted at a gateway that changes its behaviour."""

    def __init__(self, gateway: Listed, mode: Mode, in_flight: int) -> None:
        self.gateway = gateway
        self.scheduler = ModelScheduler(gateway, mode, in_flight)
        self._number = count()

    def begin(self, many: int, *, ours: bool = True) -> None:
        new = [names(1, next(self._number))[0] for _ in range(many)]
        self.gateway.add(new)
        if ours:
            self.scheduler.watch(new)

    def change(self, what: str, size: int) -> None:
        changes: dict[str, Callable[[], None]] = {
            "strangers": lambda: self.begin(20 * size, ours=False),
            "begin": lambda: self.begin(size),
            "end": lambda: self.scheduler.leave(list(self.scheduler.slots)[::3][:size]),
            "delete": lambda: self._delete(size),
            "ignore": lambda: setattr(self.gateway, "ignores_after", True),
            "heed": lambda: setattr(self.gateway, "ignores_after", False),
            "down": lambda: setattr(self.gateway, "down", REFUSED),
            "up": lambda: setattr(self.gateway, "down", None),
        }
        changes.get(what, lambda: None)()

    def _delete(self, size: int) -> None:
        gone = list(self.scheduler.slots)[::2][:size]
        self.scheduler.leave(gone)
        self.gateway.delete(gone)

    def round(self) -> int:
        """Run one round; return how many videos it answered."""
        at, due = self.scheduler.now, set(self.scheduler.slots)
        self.scheduler.round()
        assert all(self.scheduler.answered[name] == at for name in due)
        return len(due)


@settings(max_examples=100)
@given(
    gateway=GATEWAYS,
    mode=st.sampled_from(["auto", "always", "never"]),
    in_flight=st.integers(1, 8),
    ours=st.integers(0, 400),
    changes=st.lists(
        st.tuples(st.sampled_from(CHANGES), st.integers(1, 60)), min_size=30, max_size=60
    ),
)
def test_every_due_video_is_answered_and_in_auto_that_costs_no_more_than_asking_alone(
    gateway: Listed, mode: Mode, in_flight: int, ours: int, changes: list[tuple[str, int]]
) -> None:
    world = World(gateway, mode, in_flight)
    world.begin(ours)
    alone = 0
    for what, size in changes:
        world.change(what, size)
        alone += world.round()
    if mode == "never":
        assert world.scheduler.pages == 0
    if mode == "auto":
        lost = 2 * (_LOST_BY_ACCOUNT + in_flight) + _LOST_ANCHORS
        # a page that is found may go before it is used; it had two at least
        assert world.scheduler.requests <= alone + _OPENED * lost + world.scheduler.found / 2
