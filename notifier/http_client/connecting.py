"""Connects to an origin, with TLS where it is https."""

import ssl
from dataclasses import dataclass
from typing import Protocol

import trio

from notifier.http_client.explained import explained
from notifier.http_client.requests import Origin
from notifier.net import Admission, Dialer, TcpStream, TlsStream


async def connect(
    dialer: Dialer, tls: ssl.SSLContext, origin: Origin, admission: Admission | None = None
) -> TcpStream | TlsStream:
    """Return a stream to `origin`, ready for a request; raises TransportError."""
    plain = await dialer.dial(origin.host, origin.port, admission)
    return plain if origin.scheme != "https" else await secured(plain, tls, origin.host)


async def secured(plain: TcpStream | TlsStream, tls: ssl.SSLContext, host: str) -> TlsStream:
    """Speak TLS to `host` over a connection; raises TransportError."""
    try:
        stream = TlsStream(plain, tls, host)
        await stream.do_handshake()
    except (trio.BrokenResourceError, OSError) as error:
        plain.close()
        raise explained("connect", error) from None
    except BaseException:
        plain.close()
        raise
    return stream


class Connector(Protocol):
    """How exchanges reach an origin: directly or through a proxy."""

    async def connect(self, origin: Origin) -> TcpStream | TlsStream:
        """Return a stream that takes requests to `origin`; raises TransportError."""

    def addressed(self, head: bytes, origin: Origin) -> bytes:
        """Return a request's head as it is sent over such a stream."""

    def forwards(self, origin: Origin) -> bool:
        """Tell whether a proxy reads the requests to `origin`, and may answer them itself."""


@dataclass(frozen=True, slots=True)
class DirectConnector:
    """Connects to the origin itself."""

    dialer: Dialer
    tls: ssl.SSLContext

    async def connect(self, origin: Origin) -> TcpStream | TlsStream:
        """Return a stream to `origin`; raises TransportError."""
        return await connect(self.dialer, self.tls, origin)

    def addressed(self, head: bytes, _origin: Origin) -> bytes:
        """Return the head as it is."""
        return head

    def forwards(self, _origin: Origin) -> bool:
        """Return False: nobody is in between."""
        return False
