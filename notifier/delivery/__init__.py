"""Delivers events: from the outbox to a receiver's 2xx, or to a reason that an operator can see.

`outbox` records an event with its deliveries. `dispatcher` runs one `lane` per endpoint. A lane
claims what its flow control allows: `endpoint_flow` with the `circuit` of one endpoint and
`claims_ahead`, or
`callback_flow` with the `callback_limits` of all callbacks and the `peer_state` of each host name
and address that they go to. `attempt` makes one attempt,
`response_policy` and `disable_policy` decide what follows from it, and `attempt_recorder` records
it. `endpoint_notices` makes the events about an endpoint that is disabled or has recovered.
Nothing here knows how videos are polled.
"""

from notifier.delivery.attempt import AttemptRunner, DeliveryRules
from notifier.delivery.attempt_recorder import AttemptRecorder
from notifier.delivery.callback_flow import CallbackFlow
from notifier.delivery.callback_limits import MOST_CALLBACKS, CallbackLimits
from notifier.delivery.dispatcher import Dispatcher
from notifier.delivery.endpoint_flow import EndpointFlow, LaneRules
from notifier.delivery.endpoint_notices import EndpointNotices
from notifier.delivery.lane import Lane
from notifier.delivery.outbox import Outbox
from notifier.delivery.subscription import Subscription

__all__ = [
    "MOST_CALLBACKS",
    "AttemptRecorder",
    "AttemptRunner",
    "CallbackFlow",
    "CallbackLimits",
    "DeliveryRules",
    "Dispatcher",
    "EndpointFlow",
    "EndpointNotices",
    "Lane",
    "LaneRules",
    "Outbox",
    "Subscription",
]
