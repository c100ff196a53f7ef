"""Small builders for what many tests need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from notifier.model.delivery import Format
from notifier.model.event import Ending, EventType, NewEvent
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Listing, Watch, WatchKey, WatchSpec
from notifier.schedule.clock import Clock
from notifier.store import Database, InlineExecutor, Store
from notifier.store.engine import Engine

START = 1_760_000_000.0
"""Where the wall clock of a test begins."""


class Time:
    """A wall clock that a test sets by hand."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def spec(video_id: str = "video_1", gateway: str = "main", **settings: object) -> WatchSpec:
    return WatchSpec(WatchKey(gateway, video_id), **settings)  # type: ignore[arg-type]  # passed on


def listing(*specs: WatchSpec, source: str = "config") -> Listing:
    return Listing(source, specs)


def watch(video_id: str = "video_1", *, taken_at: float = START) -> Watch:
    return Watch(row=1, spec=spec(video_id), taken_at=taken_at)


def snapshot(
    status: Status | None = Status.IN_PROGRESS, video_id: str = "video_1", **fields: object
) -> Snapshot:
    word = fields.pop("word", status.value if status else "odd")
    return Snapshot(id=video_id, status=status, word=str(word), **fields)  # type: ignore[arg-type]  # passed on


class NothingFollows:
    """Plans nothing to be done after endings."""

    def plan(self, _: Ending) -> FollowUpPlan:
        return NO_FOLLOW_UP

    def wake(self, gateway: str) -> None:
        """Ignore the hint."""


def ending(of: Watch, status: Status = Status.COMPLETED) -> Ending:
    return Ending(of, EventType(f"video.{status}"), snapshot(status, of.key.video_id), "test")


def new_event(
    event_id: str = "evt_1", endpoints: tuple[str, ...] = ("app",), body: bytes = b"{}"
) -> NewEvent:
    return NewEvent(
        event_id,
        EventType.COMPLETED,
        int(START),
        {Format.STANDARD: body},
        [(name, Format.STANDARD) for name in endpoints],
    )


_open: list[Engine] = []
_new_database: list[Callable[[], Engine]] = [Database.in_memory]


@contextmanager
def databases_from(new_database: Callable[[], Engine]) -> Iterator[None]:
    """Have `memory_store` put its stores somewhere else than in SQLite's memory."""
    _new_database.append(new_database)
    try:
        yield
    finally:
        _new_database.pop()


def memory_database() -> Engine:
    """Return a database that is closed when the test is over."""
    _open.append(_new_database[-1]())
    return _open[-1]


def close_memory_databases() -> None:
    while _open:
        _open.pop().close()


def memory_store(now: Clock | Time) -> Store:
    """Return a store that lives in memory and works inside of the event loop."""
    read = now.now if isinstance(now, Clock) else now
    return Store(memory_database(), InlineExecutor(), read)


def rng(seed: int = 1) -> Random:
    return Random(seed)
