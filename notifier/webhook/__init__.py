"""Sends one signed POST to a receiver and returns its outcome."""

from notifier.webhook.sender import Outcome, Target, WebhookSender

__all__ = ["Outcome", "Target", "WebhookSender"]
