"""The fields of a create request: multipart as the `openai` SDK sends it, or JSON."""

import json
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

_MULTIPART = "multipart/form-data"
_LONGEST = 4000
_DIGITS = 15


class FormError(ValueError):
    """A body that cannot be read; the message is for the client."""


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the texts of a form by name, each cut at 4000 characters; files are left out.

    Raises FormError.
    """
    if content_type.lower().startswith(_MULTIPART):
        fields = _multipart(content_type, body)
    else:
        fields = _json(body)
    return {name: text[:_LONGEST] for name, text in fields.items()}


def _json(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise FormError("We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise FormError("The JSON body must be an object.")
    return {
        name: str(field)
        for name, field in value.items()
        if isinstance(field, str | float) or (type(field) is int and abs(field) < 10**_DIGITS)
    }


def _multipart(content_type: str, body: bytes) -> Mapping[str, str]:
    head = b"Content-Type: %s\r\n\r\n" % content_type.encode("latin-1", "replace")
    message = BytesParser(policy=compat32).parsebytes(head + body)
    parts = message.get_payload()
    if not isinstance(parts, list):
        raise FormError("The multipart body has no parts.")
    return {
        str(name): _text(part)
        for part in parts
        if isinstance(part, Message)
        and (name := part.get_param("name", header="content-disposition"))
        and part.get_filename() is None
    }


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
