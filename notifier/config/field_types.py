"""The types of the config's fields, as pydantic reads and describes them.

What is wrong with a value is said by the check in its type; where the value stands is said by
whoever validates the table.
"""

from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo

from notifier.config import raw_values
from notifier.config.durations import (
    LONGEST,
    DurationError,
    format_duration,
    parse_duration,
)
from notifier.config.secret_sources import Origin, ParseContext, read_pem_origin
from notifier.config.secrets import Check, Secret, read_secret
from notifier.config.signing_rules import OWN_SIGNATURES
from notifier.config.urls import check_proxy_url
from notifier.config.validators import (
    check_header_name,
    check_header_value,
    check_name,
    check_own_secret,
    check_path,
    check_signing_secret,
    check_status_word,
)


def duration_within(minimum: float = 0.001, maximum: float = LONGEST) -> PlainValidator:
    """Return what reads a duration between these bounds, in seconds."""

    def check(value: object) -> float:
        seconds = parse_duration(value)
        if not minimum <= seconds <= maximum:
            low, high = format_duration(minimum), format_duration(maximum)
            within = f"at least {low}" if maximum == LONGEST else f"{low} to {high}"
            raise DurationError(f"must be {within}")
        return seconds

    return PlainValidator(check, json_schema_input_type=raw_values.duration(minimum, maximum))


def secret_checked(check: Check, literal: raw_values.Shape) -> PlainValidator:
    """Return what reads a secret, given itself or by where it stands, and has `check` look at it.

    `literal` is the JSON schema of the value.
    """

    def read(value: object, info: ValidationInfo) -> Secret:
        context = cast("ParseContext", info.context)
        return read_secret(value, check, context)

    return PlainValidator(read, json_schema_input_type=raw_values.secret(literal))


def _signing_secret() -> PlainValidator:
    def read(value: object, info: ValidationInfo) -> Secret:
        # `format` stands before `secret` in its table, so that it is known here
        own = info.data.get("format") in OWN_SIGNATURES
        check = check_own_secret if own else check_signing_secret
        return read_secret(value, check, cast("ParseContext", info.context))

    return PlainValidator(read, json_schema_input_type=raw_values.secret(raw_values.ANY_SECRET))


def _read_pem(value: object, info: ValidationInfo) -> Origin:
    return read_pem_origin(value, cast("ParseContext", info.context))


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


Name = Annotated[str, AfterValidator(check_name), raw_values.NAME]
PathText = Annotated[str, PlainValidator(check_path), raw_values.TEXT]
Duration = Annotated[float, duration_within()]
Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Headers = dict[
    Annotated[str, AfterValidator(check_header_name), raw_values.HEADER_NAME],
    Annotated[Secret, secret_checked(check_header_value, raw_values.HEADER_VALUE)],
]
FieldPattern = Annotated[str, Field(min_length=1, max_length=100)]
StatusWords = dict[
    Annotated[str, AfterValidator(check_status_word), raw_values.TEXT],
    Literal["queued", "in_progress", "completed", "failed", "cancelled"],
]
ProxyUrl = Annotated[Secret, secret_checked(check_proxy_url, raw_values.PROXY_URL)]
PemSource = Annotated[Origin, PlainValidator(_read_pem, json_schema_input_type=raw_values.PEM)]
_SigningSecret = Annotated[Secret, _signing_secret()]
_SigningSecretList = Annotated[list[_SigningSecret], Field(min_length=1, max_length=4)]
SigningSecrets = Annotated[
    _SigningSecretList,
    BeforeValidator(_one_or_more, json_schema_input_type=_SigningSecret | _SigningSecretList),
]
