"""What the steady clock of one process counts from."""

from typing import NamedTuple


class SteadyBase(NamedTuple):
    """Relates the steady clock of a process to the machine's uptime.

    `boot` is the id of the machine's boot, "" where there is none. `offset` is what is added to
    the uptime, sleep included, to get steady Unix time, in seconds. Two processes of one boot
    differ in `offset` by exactly as much as the system clock was set in between.
    """

    boot: str
    offset: float
