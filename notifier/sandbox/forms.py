"""The fields of a request body: multipart as the `openai` SDKs send it, or JSON.

An object within the body, such as `{"video": {"id": …}}`, becomes the field `video[id]`, which
is how the SDKs write it in multipart.
"""

import json
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Any, NamedTuple

_MULTIPART = "multipart/form-data"
_LONGEST = 4000
_DIGITS = 15


class FormError(ValueError):
    """A body that cannot be read; the message is for the client."""


class Form(NamedTuple):
    """The texts of a form by name, and the names of its files, whose content is not kept."""

    fields: Mapping[str, str]
    files: frozenset[str] = frozenset()


def read_form(content_type: str, body: bytes) -> Form:
    """Return the form in `body`, each text cut at 4000 characters.

    Raises FormError.
    """
    form = _multipart(content_type, body) if _is_multipart(content_type) else _json(body)
    return form._replace(fields={name: text[:_LONGEST] for name, text in form.fields.items()})


def _is_multipart(content_type: str) -> bool:
    return content_type.lower().startswith(_MULTIPART)


def _json(body: bytes) -> Form:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise FormError("We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise FormError("The JSON body must be an object.")
    return Form(dict(_texts(value)))


def _texts(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in value.items():
        if isinstance(field, dict):
            yield from (
                (f"{name}[{key}]", text) for key, text in field.items() if type(text) is str
            )
        elif isinstance(field, str | float) or (type(field) is int and abs(field) < 10**_DIGITS):
            yield name, str(field)


def _multipart(content_type: str, body: bytes) -> Form:
    head = b"Content-Type: %s\r\n\r\n" % content_type.encode("latin-1", "replace")
    message = BytesParser(policy=compat32).parsebytes(head + body)
    parts = message.get_payload()
    if not isinstance(parts, list):
        raise FormError("The multipart body has no parts.")
    named = [
        (str(name), part)
        for part in parts
        if isinstance(part, Message)
        and (name := part.get_param("name", header="content-disposition"))
    ]
    return Form(
        {name: _text(part) for name, part in named if part.get_filename() is None},
        frozenset(name for name, part in named if part.get_filename() is not None),
    )


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
