"""The control API: HTTP for operators and programs, on a Unix socket and, if configured, on TCP.

`operations` is what the daemon can do, as a Protocol; `api` maps it to HTTP, `request_models`
validate requests, `guard` authorizes them, `sockets` opens the listening sockets.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.control.api import build_api
    from notifier.control.guard import Guard
    from notifier.control.operations import Conditions, Operations, Reloads
    from notifier.control.socket_group import SocketRefusedError
    from notifier.control.sockets import listen_tcp, listen_unix, remove_unix
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "api": ("build_api",),
            "guard": ("Guard",),
            "operations": ("Conditions", "Operations", "Reloads"),
            "socket_group": ("SocketRefusedError",),
            "sockets": ("listen_tcp", "listen_unix", "remove_unix"),
        },
    )

__all__ = [
    "Conditions",
    "Guard",
    "Operations",
    "Reloads",
    "SocketRefusedError",
    "build_api",
    "listen_tcp",
    "listen_unix",
    "remove_unix",
]
