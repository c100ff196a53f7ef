"""Connects to origins through an HTTP proxy, for exchanges that are streamed.

An https origin is reached through a tunnel (CONNECT; RFC 9110, section 9.3.6): the proxy sees its
name and nothing of the exchange. Requests to an http origin name the whole URL as their target,
and the proxy reads them (RFC 9112, section 3.2.2). `proxied` sends polls in the same way.
"""

import base64
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from ipaddress import ip_address
from typing import Self

import h11
import httpx
import trio

from notifier.errors import TransportError
from notifier.http_client.connecting import connect, secured
from notifier.http_client.explained import explained
from notifier.http_client.proxied import proxy_refusal
from notifier.http_client.requests import Origin, read_address
from notifier.net import (
    ANYWHERE,
    AddressPolicy,
    Dialer,
    TcpStream,
    TlsMaterial,
    TlsStream,
    make_context,
)

_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class ProxyConnector:
    """Connects through the proxy at the origin `proxy`, with `authorization` (b"" for none).

    `to_proxy` verifies an https proxy, `to_peer` the origin behind it. The proxy looks names up,
    so `policy` is applied to an address that stands in a URL alone.
    """

    proxy: Origin
    authorization: bytes
    to_proxy: ssl.SSLContext
    to_peer: ssl.SSLContext
    policy: AddressPolicy

    @classmethod
    def to(cls, url: str, tls: TlsMaterial, policy: AddressPolicy) -> Self:
        """Return a connector through the proxy at `url`, credentials included.

        An https proxy is verified with the certificates of `tls`, and is not shown the client's.
        """
        proxy = httpx.Proxy(url)
        authorization = b""
        if proxy.raw_auth is not None:
            authorization = b"Basic " + base64.b64encode(b":".join(proxy.raw_auth))
        to_proxy = make_context(replace(tls, certificate=None, key=None))
        origin = read_address(str(proxy.url)).origin
        return cls(origin, authorization, to_proxy, make_context(tls), policy)

    async def connect(self, origin: Origin) -> TcpStream | TlsStream:
        """Return a stream that takes requests to `origin`.

        Raises TransportError: "blocked" for an address that is refused, "proxy" if the proxy
        refuses a tunnel.
        """
        host = origin.host.removesuffix(".")
        with suppress(ValueError):
            reason = self.policy.refusal(ip_address(host))
            if reason is not None:
                raise TransportError("blocked", f"{host} is {reason}")
        stream = await connect(Dialer(ANYWHERE), self.to_proxy, self.proxy)
        if origin.scheme != "https":
            return stream
        try:
            await self._open_tunnel(stream, _authority(host, origin.port))
        except BaseException:
            stream.close()
            raise
        return await secured(stream, self.to_peer, host)

    def addressed(self, head: bytes, origin: Origin) -> bytes:
        """Return a request's head for the proxy, or as it is if it goes through a tunnel."""
        if not self.forwards(origin):
            return head
        line, _, headers = head.partition(b"\r\n")
        method, _, target = line.partition(b" ")
        port = "" if origin.port == _HTTP_PORT else f":{origin.port}"
        authority = _authority(origin.host.removesuffix("."), None) + port
        added = b""
        if self.authorization:
            added = b"proxy-authorization: %s\r\n" % self.authorization
        return b"%s http://%s%s\r\n%s%s" % (method, authority.encode(), target, added, headers)

    def forwards(self, origin: Origin) -> bool:
        """Tell whether the proxy reads the requests to `origin`, and may answer them itself."""
        return origin.scheme != "https"

    async def _open_tunnel(self, stream: TcpStream | TlsStream, authority: str) -> None:
        """Have the proxy connect `stream` to `authority`; raises TransportError."""
        headers = [(b"host", authority.encode())]
        if self.authorization:
            headers.append((b"proxy-authorization", self.authorization))
        http = h11.Connection(h11.CLIENT)
        request = h11.Request(method=b"CONNECT", target=authority.encode(), headers=headers)
        try:
            await stream.send_all(
                (http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b"")
            )
            answer = await _final_answer(stream, http)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise explained("reset", error) from None
        except h11.RemoteProtocolError as error:
            raise TransportError("proxy", f"the proxy did not speak HTTP: {error}") from None
        if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise proxy_refusal(f"{answer.status_code} {answer.reason.decode('latin-1')}".rstrip())
        if http.trailing_data[0]:
            raise TransportError("proxy", "something came through the tunnel unasked")


async def _final_answer(stream: TcpStream | TlsStream, http: h11.Connection) -> h11.Response:
    while not isinstance(event := http.next_event(), h11.Response):
        if event is h11.NEED_DATA:
            http.receive_data(await stream.receive_some())
    return event


def _authority(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"
