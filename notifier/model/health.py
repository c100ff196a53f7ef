"""How an endpoint has been doing, as far as it must be remembered over a restart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """The health of the endpoint's URL that `url_mark` stands for.

    `failing_since` and `last_failure` (Unix seconds) span the failures since the last success,
    None when there were none. `recovering` means that it was disabled, has been enabled again
    and has not taken anything since.
    """

    url_mark: str
    failing_since: float | None = None
    last_failure: float | None = None
    recovering: bool = False
