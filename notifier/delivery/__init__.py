"""Delivering: from the outbox to a receiver's 2xx, or to a reason that an operator can see.

`outbox` puts an event in, `dispatcher` runs one `lane` per endpoint, which takes what is due
as its `circuit` allows; a `deliverer` makes each attempt, `verdict` and `endurance` decide
what follows from it, the `ledger` records it, and `announcer` tells the others when an
endpoint is disabled or is back. Nothing here knows how videos are watched.
"""

from notifier.delivery.announcer import Announcer
from notifier.delivery.deliverer import Deliverer, DeliveryRules
from notifier.delivery.dispatcher import Dispatcher
from notifier.delivery.lane import Lane, LaneRules
from notifier.delivery.ledger import Ledger
from notifier.delivery.outbox import Outbox
from notifier.delivery.subscription import Subscription

__all__ = [
    "Announcer",
    "Deliverer",
    "DeliveryRules",
    "Dispatcher",
    "Lane",
    "LaneRules",
    "Ledger",
    "Outbox",
    "Subscription",
]
