"""Delivering: from the outbox to a receiver's 2xx, or to a reason that an operator can see.

`outbox` puts an event in, `dispatcher` runs one `lane` per endpoint, which takes what is due
as its `circuit` allows; a `runner` makes each attempt, `verdict` and `endurance` decide
what follows from it, the `recorder` records it, and `notices` tells the others when an
endpoint is disabled or is back. Nothing here knows how videos are watched.
"""

from notifier.delivery.attempt import AttemptRunner, DeliveryRules
from notifier.delivery.attempt_recorder import AttemptRecorder
from notifier.delivery.dispatcher import Dispatcher
from notifier.delivery.endpoint_notices import EndpointNotices
from notifier.delivery.lane import Lane, LaneRules
from notifier.delivery.outbox import Outbox
from notifier.delivery.subscription import Subscription

__all__ = [
    "AttemptRecorder",
    "AttemptRunner",
    "DeliveryRules",
    "Dispatcher",
    "EndpointNotices",
    "Lane",
    "LaneRules",
    "Outbox",
    "Subscription",
]
