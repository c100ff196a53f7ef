"""The gateway door: asks for one video's status and says what the answer means.

`reading` turns bytes into a snapshot, `verdict` decides what an HTTP answer is worth, `client`
does the asking. Whatever a gateway sends, the outcome is one of the four kinds of
`notifier.model.answer`; nothing a gateway can send raises.
"""

from notifier.gateway.client import GatewayClient, GatewayRules
from notifier.gateway.verdict import judge

__all__ = ["GatewayClient", "GatewayRules", "judge"]
