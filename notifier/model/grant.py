"""Grants: the shares of a gateway's budget that instances have."""

from typing import NamedTuple


class Grant(NamedTuple):
    """What an instance may ask of a gateway, and what it would like to, in requests a second.

    `budget` is the limit of all instances together, as the config of this one has it.
    """

    instance: str
    budget: float
    rate: float
    wants: float


class Granted(NamedTuple):
    """How an instance may ask a gateway: at this rate, and not before `rest_until`.

    That is by the database's clock (Unix seconds), 0 if nobody was told to wait.
    """

    rate: float
    rest_until: float
