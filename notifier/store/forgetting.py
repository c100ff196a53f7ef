"""Removes what the files of an instance list that is gone for good, and drops its endpoints."""

from notifier.errors import ConflictError, UnknownError
from notifier.store import configured, instances, shared_watches
from notifier.store.connection import Connection


def forget(db: Connection, name: str, now: float) -> int:
    """Remove the listings of an instance; return how many watches that withdrew.

    Endpoints that only it had configured are removed in ten minutes. Once more, it is unknown.

    `now` is by the database's clock. Raises ConflictError while the instance lives, UnknownError
    when nothing is known of it. A row that is over is left to be buried.
    """
    registered = {each.instance.name: each for each in instances.alive(db)}
    known = registered.get(name)
    if known is not None and known.expires_at >= now:
        place = f"pid {known.instance.pid} on {known.instance.host}"
        raise ConflictError(f"instance {name} lives ({place}): stop it first")
    had_endpoints = configured.drop(db, name, "endpoint")
    if known is None and not had_endpoints and not shared_watches.own_sources(db, name):
        raise UnknownError(f"nothing is known of an instance {name}")
    return shared_watches.forget_files(db, name, now)
