"""Sends one signed POST to a receiver and returns its outcome."""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.webhook.sender import Outcome, Target, WebhookSender
    from notifier.webhook.templates import Template
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "sender": ("Outcome", "Target", "WebhookSender"),
            "templates": ("Template",),
        },
    )

__all__ = ["Outcome", "Target", "Template", "WebhookSender"]
