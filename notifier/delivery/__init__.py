"""Delivering: from the outbox to a receiver's 2xx, or to a reason that an operator can see.

`outbox` puts an event in, `dispatcher` runs one `lane` per endpoint, `verdict` decides what
follows from an attempt. Nothing here knows how videos are watched.
"""

from notifier.delivery.dispatcher import Dispatcher
from notifier.delivery.lane import Lane, LaneRules
from notifier.delivery.outbox import Outbox, Subscription

__all__ = ["Dispatcher", "Lane", "LaneRules", "Outbox", "Subscription"]
