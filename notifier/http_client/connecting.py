"""Connects to an origin, with TLS where it is https."""

import ssl

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


async def secured(plain: TcpStream, tls: ssl.SSLContext, host: str) -> TlsStream:
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
