"""Connecting to other hosts, but only to such as are allowed.

`addresses` decides, purely; `dialing` resolves, asks it about each address, and connects to
one that may be connected to: what was judged is what is connected to, with no look-up between.
`tcp` and `tls` are the streams over such a connection.
"""

from notifier.net.addresses import ANYWHERE, AddressPolicy
from notifier.net.dialing import Dialer
from notifier.net.tcp import TcpStream
from notifier.net.tls import TlsStream

__all__ = ["ANYWHERE", "AddressPolicy", "Dialer", "TcpStream", "TlsStream"]
