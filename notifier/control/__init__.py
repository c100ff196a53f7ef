"""The control API: HTTP for operators and programs, on a Unix socket and, if asked for, on TCP.

`operations` is what the daemon can be asked to do, as a Protocol; `api` puts it on the wire,
`guard` decides who may ask, `sockets` opens the doors and `serving` lets people in.
"""

from notifier.control.api import build_api
from notifier.control.asgi_server import serve_api
from notifier.control.guard import Guard
from notifier.control.operations import Conditions, Operations, Reloads
from notifier.control.sockets import SocketRefusedError, listen_tcp, listen_unix, remove_unix

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
    "serve_api",
]
