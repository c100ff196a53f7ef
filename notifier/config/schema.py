"""The JSON Schema of the config file, made from the models, for editors.

It describes the TOML file, not the Python values: TOML has no null, and durations are written
with units.
"""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from notifier.config.durations import format_duration
from notifier.config.models import Document
from notifier.config.raw_values import DURATION_TEXT, Shape

# what taplo and the editors on top of it know best
_DIALECT = "http://json-schema.org/draft-07/schema#"


def config_schema() -> Shape:
    """Return the JSON Schema that a config file must satisfy."""
    made = Document.model_json_schema(schema_generator=_OfToml)
    return {
        "$schema": _DIALECT,
        "title": "notifier's configuration",
        "description": "Made by `notifier schema`; every key is explained in config.example.toml.",
        **{key: value for key, value in made.items() if key not in {"title", "description"}},
    }


class _OfToml(GenerateJsonSchema):
    """Generates the schema of a TOML file from the models of Python values."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        """Leave out titles: they only repeat the names."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Shape:
        """Leave out the names of classes."""
        made = super().model_schema(schema)
        del made["title"]
        return made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Shape:
        """Leave out null: a key that is not set is left out."""
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> Shape:
        """Refuse the keys that no pattern matches."""
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Shape:
        """Write defaults in TOML notation; leave out those that have none."""
        made = super().default_schema(schema)
        default = made.pop("default", None)
        return {**made, "default": _written(default, made)} if _is_worth_showing(default) else made


def _is_worth_showing(default: Any) -> bool:  # noqa: ANN401 - any JSON value
    return default is not None and default != [] and not isinstance(default, dict)


def _written(default: Any, shape: Shape) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(default, list):
        return [_written(each, shape.get("items", {})) for each in default]
    texts = (each.get("pattern") for each in shape.get("anyOf", ()))
    return format_duration(default) if DURATION_TEXT in texts else default


def schema_text() -> str:
    """Return the schema as it is printed and kept in the repository."""
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"
