"""Makes this process an instance among those that share its store."""

import os
import socket
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from notifier import __version__
from notifier.app.runtime import Seams
from notifier.cluster.deps import Surroundings
from notifier.cluster.membership import Membership
from notifier.config import ClusterSettings
from notifier.model.instance import Instance
from notifier.schedule.clock import Clock
from notifier.store.schema import VERSION
from notifier.store.shared_store import SharedStore


def membership_of(
    store: SharedStore,
    settings: ClusterSettings,
    clock: Clock,
    seams: Seams,
    leases_freed: Callable[[], None],
) -> Membership:
    """Return the membership of this process, which is yet to be joined.

    Each beat sets `clock` to the time of the database. `leases_freed` tells the other instances
    that there may be leases to take.
    """
    identity = Instance(
        id="",
        name=settings.instance,
        host=socket.gethostname(),
        boot=_boot(seams),
        pid=os.getpid(),
        version=__version__,
        schema_version=VERSION,
    )
    around = Surroundings(
        clock=seams.steady,
        new_id=lambda: uuid.uuid4().hex,
        is_dead=lambda other: is_dead(other, identity),
        set_time=clock.set_to,
        leases_freed=leases_freed,
        rng=seams.rng,
    )
    return Membership(store, identity, settings.lease, around)


def _boot(seams: Seams) -> str:
    """Return what pids are unique within: a boot of the machine, and a container on it."""
    boot = seams.boot()
    with suppress(OSError):
        return boot and f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return boot


def is_dead(other: Instance, me: Instance) -> bool:
    """Tell whether the process of another instance is known to have ended.

    It is known of processes of the same boot alone. A former registration of this process counts
    as ended, and so does one whose pid is some other program's by now.
    """
    if not me.boot or (other.host, other.boot) != (me.host, me.boot):
        return False
    return other.pid == me.pid or not _runs_notifier(other.pid)


def _runs_notifier(pid: int) -> bool:
    """Tell whether the process of a pid may be a notifier."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with suppress(OSError):
        return b"notifier" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True
