"""Sends only while this instance may work: another one may have taken the lane since."""

from collections.abc import Callable

from notifier.delivery.attempt import OUR_TROUBLE
from notifier.net import Admission
from notifier.webhook import Outcome, WebhookSender


class TrustedSender:
    """Sends through `sender` while `may_work` says so, asked right before each attempt.

    An attempt that is not made is trouble of this machine: it says nothing about the receiver and
    costs no retry.
    """

    def __init__(self, sender: WebhookSender, may_work: Callable[[], bool]) -> None:
        self._sender = sender
        self._may_work = may_work

    def at(self, url: str, admission: Admission | None) -> "TrustedSender":
        """Return a sender to `url`; see `WebhookSender.at`."""
        return TrustedSender(self._sender.at(url, admission), self._may_work)

    async def rendered(self, standard: bytes) -> bytes | Outcome:
        """Return what the endpoint's template makes of a body; see `WebhookSender.rendered`."""
        return await self._sender.rendered(standard)

    async def send(self, event_id: str, body: bytes) -> Outcome:
        """Make one attempt; see `WebhookSender.send`."""
        if not self._may_work():
            detail = "this instance has not reached the store for too long"
            return Outcome(OUR_TROUBLE, detail=detail)
        return await self._sender.send(event_id, body)
