"""JSON Schema fragments for values that our own checks validate.

JSON Schema cannot express everything the checks do. A fragment accepts whatever its check
accepts, and refuses what can be refused without other keys, files or the environment.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from notifier.formats.service import Signing
from notifier.formats.table import SERVICES
from notifier.model.event import EventType
from notifier.model.watch import MAX_VIDEO_ID

Shape = dict[str, Any]
"""A piece of JSON Schema."""

_HTTP = "^[Hh][Tt][Tt][Pp][Ss]?://"

DURATION_TEXT = r"^[0-9]{1,12}(\.[0-9]{1,9})?(ms|s|m|h|d)$"
"""The pattern of a duration with a unit; a schema with this pattern is a duration."""

NAME = WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"})
HEADER_NAME = WithJsonSchema({"type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$"})
TEXT = WithJsonSchema({"type": "string", "minLength": 1})
BASE_URL = WithJsonSchema(
    {"type": "string", "pattern": rf"{_HTTP}[^@/?#\s]+(/[^?#\s]*)?(\?[^#\s]*)?$"}
)
URL_PREFIX = WithJsonSchema({"type": "string", "pattern": rf"{_HTTP}[^@/?#\s]+(/[^?#\s]*)?$"})
STORE_URL: Shape = {"type": "string", "pattern": r"^postgres(ql)?://\S+$"}
VIDEO_ID = WithJsonSchema(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_VIDEO_ID,
        "not": {"enum": [".", "..", "-"]},
    }
)
CONTENT_TYPE = WithJsonSchema({"type": "string", "pattern": "^[^/ ]+/[^/]+$"})
NETWORK = WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f.:]+(/[0-9.]+)?$"})
LISTEN = WithJsonSchema(
    {"type": "string", "pattern": r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f.:]+\]):[0-9]{1,5}$"}
)
# a text without a wildcard must be one of the types; whether a wildcard matches is checked later
EVENT_PATTERN = WithJsonSchema(
    {
        "anyOf": [
            {"enum": ["*", "video.*", "endpoint.*", "notifier.*", *map(str, EventType)]},
            {"type": "string", "pattern": r"[*?\[]"},
        ]
    }
)

API_KEY: Shape = {"type": "string", "pattern": "^[!-~]+$"}
TOKEN: Shape = {"type": "string", "pattern": "^[!-~]{16,}$"}
HEADER_VALUE: Shape = {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$"}
ANY_SECRET: Shape = {"type": "string", "pattern": "^[!-~]+$"}
ENDPOINT_URL: Shape = {"type": "string", "pattern": rf"{_HTTP}[^@/?#\s]+([/?][^#\s]*)?$"}
PROXY_URL: Shape = {"type": "string", "pattern": rf"{_HTTP}[^/?#\s]+/?$"}

_WHSEC: Shape = {
    "if": {"type": "string"},
    "then": {"pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"},
}
_UNSIGNED = [form.value for form, row in SERVICES.items() if row.signing is Signing.NONE]
_SIGNED = [form.value for form, row in SERVICES.items() if row.signing is Signing.REQUIRED]
_OWN = [form.value for form, row in SERVICES.items() if row.signing is Signing.OWN]
# what is common: a secret that is missing, or that a service has no use for
SECRET_BY_FORMAT: Shape = {
    "allOf": [
        {
            "if": {"required": ["format"], "properties": {"format": {"enum": _UNSIGNED}}},
            "then": {"not": {"required": ["secret"]}},
        },
        {
            "if": {"properties": {"format": {"enum": _SIGNED}}},
            "then": {"required": ["secret"]},
        },
        {
            "if": {"not": {"required": ["format"], "properties": {"format": {"enum": _OWN}}}},
            "then": {"properties": {"secret": {**_WHSEC, "items": _WHSEC}}},
        },
        {
            "if": {"required": ["format"], "properties": {"format": {"const": "template"}}},
            "then": {"required": ["template"]},
        },
    ]
}


def duration(minimum: float, maximum: float) -> object:
    """Return the type of a duration between two numbers of seconds."""
    seconds: Shape = {"type": "number", "minimum": minimum, "maximum": maximum}
    text: Shape = {"type": "string", "pattern": DURATION_TEXT}
    return Annotated[object, WithJsonSchema({"anyOf": [seconds, text]})]


class _Reference(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class FromEnvironment(_Reference):
    """A secret in the environment."""

    env: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
    """The variable that holds it."""


class FromFile(_Reference):
    """A secret in a file."""

    file: Annotated[str, Field(min_length=1)]
    """The file that holds it; read again when it changes."""


class FromCredential(_Reference):
    """A secret that systemd hands over."""

    credential: Annotated[str, Field(pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
    """The name that stands in LoadCredential=."""


PEM = Annotated[str, Field(min_length=1)] | FromFile | FromCredential
"""The type of a client's certificate or key."""


def secret(literal: Shape) -> object:
    """Return the type of a secret; `literal` is the schema of its text."""
    text = Annotated[str, WithJsonSchema(literal)]
    return text | FromEnvironment | FromFile | FromCredential
