"""A video job as one answer of a gateway described it, normalized."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from notifier.model.status import TERMINAL, Status

Json = Any
"""Whatever `json.loads` returns."""

NOTHING: Mapping[str, Json] = MappingProxyType({})
"""No fields at all: one for all snapshots."""

_LASTING = ("model", "created_at", "seconds", "size", "remixed_from_video_id")
_lasting = attrgetter(*_LASTING)


@dataclass(frozen=True, slots=True)
class VideoError:
    """Why a job failed, as far as the gateway said; both parts may be missing."""

    message: str | None = None
    code: str | None = None

    def as_data(self) -> dict[str, str | None]:
        """Return the protocol's `error` object."""
        return {"message": self.message, "code": self.code}


class Snapshot(NamedTuple):
    """Everything known about a job at one moment; a tuple because one is made for each poll.

    `status` is None for an unknown status word; `word` is the word itself. `progress` is 0-100,
    times are Unix seconds, None means that the gateway never said. `extra` holds fields outside
    the protocol, as the gateway sent them.
    """

    id: str
    status: Status | None
    word: str = ""
    model: str | None = None
    progress: int | None = None
    created_at: int | None = None
    completed_at: int | None = None
    expires_at: int | None = None
    seconds: str | None = None
    size: str | None = None
    remixed_from_video_id: str | None = None
    error: VideoError | None = None
    extra: Mapping[str, Json] = NOTHING

    @property
    def ended(self) -> bool:
        """Whether the status is terminal."""
        return self.status in TERMINAL

    def after(self, earlier: Self | None) -> Self:
        """Return this snapshot with missing fields filled in from an `earlier` one.

        Some gateways send the model or the size once and leave it out of the last answer.
        """
        if earlier is None or earlier is self or _lasting(self) == _lasting(earlier):
            return self
        known = {name: getattr(earlier, name) for name in _LASTING if getattr(self, name) is None}
        return self._replace(**known)

    def as_data(self) -> dict[str, Json]:
        """Return the protocol's video object: every field present, extras left out."""
        return {
            "id": self.id,
            "object": "video",
            "model": self.model,
            "status": None if self.status is None else self.status.value,
            "progress": self.progress,
            "created_at": self.created_at,
            "completed_at": self.completed_at,
            "expires_at": self.expires_at,
            "seconds": self.seconds,
            "size": self.size,
            "remixed_from_video_id": self.remixed_from_video_id,
            "error": None if self.error is None else self.error.as_data(),
        }
