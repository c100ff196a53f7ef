"""notifier: webhooks for every OpenAI-compatible video gateway."""

__version__ = "0.1.0"
