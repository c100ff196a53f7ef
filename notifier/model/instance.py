"""Instances: the processes that share one store."""

from typing import NamedTuple


class Instance(NamedTuple):
    """One run of a process that shares the store.

    `id` is new with each registration, `name` is the operator's. `boot` identifies the boot of the
    machine `host`, within which `pid` is unique. `schema_version` is what it reads and writes.
    """

    id: str
    name: str
    host: str
    boot: str
    pid: int
    version: str
    schema_version: int


class Registered(NamedTuple):
    """An instance as the store has it; times are by the database's clock (Unix seconds)."""

    instance: Instance
    started_at: float
    expires_at: float
    draining: bool
