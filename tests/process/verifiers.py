"""The signature verifiers of three libraries that receivers use."""

import pytest
from openai import OpenAI
from standardwebhooks import Webhook, WebhookVerificationError
from svix.webhooks import Webhook as SvixWebhook

from tests.process.harness import Got


def verifies(secret: str, got: Got) -> bool:
    """Tell whether all three verifiers accept a POST with `secret`; they must agree."""
    headers, body = dict(got.headers), got.body.decode()
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        with pytest.raises(Exception, match="signature"):
            SvixWebhook(secret).verify(body, headers)
        return False
    SvixWebhook(secret).verify(body, headers)
    OpenAI(api_key="none", webhook_secret=secret).webhooks.unwrap(body, headers)
    return True
