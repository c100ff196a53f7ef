"""Delivers events: from the outbox to a receiver's 2xx, or to a reason that an operator can see.

`outbox` records an event with its deliveries. `dispatcher` runs one `lane` per endpoint. A lane
claims the deliveries that are due, as many as its `circuit` allows. `attempt` makes one attempt,
`response_policy` and `disable_policy` decide what follows from it, and `attempt_recorder` records
it. `endpoint_notices` makes the events about an endpoint that is disabled or has recovered.
Nothing here knows how videos are polled.
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
