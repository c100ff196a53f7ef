"""Connects to other hosts, to allowed addresses only.

`addresses` is the policy, a pure function of an address. `dialing` resolves a name once, checks
each address, and connects to one that is allowed, with no second look-up in between. `tcp` and
`tls` are the streams over such a connection. `tls_context` has what is trusted and presented.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.net.addresses import ANYWHERE, AddressPolicy
    from notifier.net.dialing import Admission, Dialer
    from notifier.net.tcp import TcpStream
    from notifier.net.tls import TlsStream
    from notifier.net.tls_context import SYSTEM_TRUST, TlsMaterial, TlsMaterialError, make_context
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "addresses": ("ANYWHERE", "AddressPolicy"),
            "dialing": ("Admission", "Dialer"),
            "tcp": ("TcpStream",),
            "tls": ("TlsStream",),
            "tls_context": ("SYSTEM_TRUST", "TlsMaterial", "TlsMaterialError", "make_context"),
        },
    )

__all__ = [
    "ANYWHERE",
    "SYSTEM_TRUST",
    "AddressPolicy",
    "Admission",
    "Dialer",
    "TcpStream",
    "TlsMaterial",
    "TlsMaterialError",
    "TlsStream",
    "make_context",
]
