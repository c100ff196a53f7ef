"""An exchange without a task: the request is sent at once, a callback gets the answer."""

from collections.abc import Callable

from notifier.errors import TransportError
from notifier.http_client.connection import Connection
from notifier.http_client.responses import HttpResponse, ResponseHeaders

Outcome = HttpResponse | TransportError | None
"""The answer or the failure; None if the server had closed the connection before it was used."""


class CallbackExchange:
    """One exchange on `connection`; `ended` is called once, with it and its outcome.

    A body of more than `max_body` bytes is a failure.
    """

    __slots__ = ("_ended", "_max_body", "connection", "done", "tick")

    def __init__(
        self,
        connection: Connection,
        max_body: int,
        ended: Callable[["CallbackExchange", Outcome], None],
        done: Callable[[Outcome], None],
    ) -> None:
        self.connection = connection
        self.done = done
        self.tick = 0
        self._max_body = max_body
        self._ended = ended

    def arrived(self) -> None:
        """Read what has arrived."""
        connection = self.connection
        try:
            if not connection.advance():
                return
        except TransportError as error:
            unused = error.kind == "reset" and not connection.has_received
            self._ended(self, None if unused else error)
            return
        status, headers, body = connection.status, connection.headers, connection.take()
        if len(body) > self._max_body:
            too_large = TransportError("too_large", f"the answer is over {self._max_body} bytes")
            self._ended(self, too_large)
        else:
            self._ended(self, HttpResponse(status, ResponseHeaders(headers), body))

    def expire(self) -> None:
        """End at the deadline."""
        self.connection.close()
        self._ended(self, TransportError("timeout", "no complete answer in time"))

    def abandon(self) -> None:
        """End because the client is closed."""
        self.connection.close()
        self._ended(self, TransportError("reset", "the client was closed"))
