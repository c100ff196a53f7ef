"""The health of an endpoint, as far as it is kept over a restart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """The health of the endpoint's URL that `url_mark` identifies.

    `failing_since` and `last_failure` (Unix seconds) span the failures since the last success,
    None when there were none. `recovering` means that the endpoint was disabled, has been enabled
    again and has received nothing since.
    """

    url_mark: str
    failing_since: float | None = None
    last_failure: float | None = None
    recovering: bool = False
