"""The jobs that discovery knows: those it saw on the list, by keys that compare their ids.

A gateway may list a job under another id than it gave at its creation (see
`notifier.model.video_ids`). So jobs are compared by a key, which is the same for both.
"""

from collections.abc import Iterable

from notifier.model.video_ids import inner_of


class KnownJobs:
    """Keys of known jobs; those that an unfinished walk saw first are not `settled` yet."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._inner: set[str] = set()
        self._unsettled: set[str] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: str) -> bool:
        return self._matches(key) is not None

    def is_settled(self, key: str) -> bool:
        """Return whether a walk that is complete has seen the job."""
        matched = self._matches(key)
        return matched is not None and matched not in self._unsettled

    def add(self, keys: Iterable[str], *, settled: bool) -> None:
        """Add jobs; one that is known stays as it is."""
        new = {key for key in keys if key not in self._keys}
        self._keys |= new
        self._inner |= {inner for key in new if (inner := inner_of(key)) is not None}
        if not settled:
            self._unsettled |= new

    def settle(self) -> None:
        """Record that the walk is complete."""
        self._unsettled.clear()

    def discard(self, keys: Iterable[str]) -> None:
        """Forget jobs."""
        gone = set(keys)
        self._keys -= gone
        self._unsettled -= gone
        self._inner -= {inner for key in gone if (inner := inner_of(key)) is not None}

    def _matches(self, key: str) -> str | None:
        """Return the text by which a job is known: an inner id alone may stand for it, too."""
        if key in self._keys or key in self._inner:
            return key
        inner = inner_of(key)
        return inner if inner is not None and inner in self._keys else None
