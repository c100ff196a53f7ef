"""Drains instances in SQL: an operator has one hand over all that it owns, or work again."""

from notifier.config.bad_value import quoted
from notifier.errors import ConflictError, UnknownError
from notifier.store import instances
from notifier.store.connection import Connection


def drain(db: Connection, name: str, now: float) -> None:
    """Have an instance hand over all that it owns, from its next beat on.

    Raises UnknownError when there is none of that name, ConflictError when no other one could
    take over. `now` is by the database's clock.
    """
    registered = instances.locked(db)  # of two that are drained at once, the second sees the first
    ids = {each.instance.name: each.instance.id for each in registered}
    if name not in ids:
        raise unknown(name)
    if not any(each.works(now) for each in registered if each.instance.name != name):
        raise ConflictError(f"no other instance could take over what {name} does")
    instances.set_draining(db, ids[name])


def undrain(db: Connection, name: str) -> None:
    """Have an instance take its share again, from its next beat on; raises UnknownError.

    One that is being stopped goes on handing over.
    """
    for each in instances.alive(db):
        if each.instance.name == name:
            instances.set_draining(db, each.instance.id, draining=False)
            return
    raise unknown(name)


def unknown(name: str) -> UnknownError:
    """Return what is raised when there is no instance of a name."""
    shown = quoted(name)
    return UnknownError(f"there is no instance {shown}" if shown else "there is no such one")
