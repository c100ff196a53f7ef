"""The webhook door: sends one signed POST and says what came back."""

from notifier.webhook.sender import Outcome, Target, WebhookSender

__all__ = ["Outcome", "Target", "WebhookSender"]
