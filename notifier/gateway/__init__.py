"""The gateway door: asks for one video's status and says what the answer means.

`reading` turns JSON into a snapshot, `missing` recognises "no such video", `verdict` decides what
an HTTP answer is worth, `client` does the asking. Whatever a gateway sends, the outcome is one
of the four kinds of `notifier.model.answer`; nothing a gateway can send raises.
"""

from notifier.gateway.client import GatewayClient, GatewayRules
from notifier.gateway.pages import Page
from notifier.gateway.response_classifier import Dialect, classify
from notifier.gateway.secret_echo import SecretEchoMask

__all__ = ["Dialect", "GatewayClient", "GatewayRules", "Page", "SecretEchoMask", "classify"]
