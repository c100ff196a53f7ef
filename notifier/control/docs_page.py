"""The API's description as one static page, made from the OpenAPI document.

It needs no script and nothing from another origin, and its policy allows neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""The page's Content-Security-Policy."""

_SCHEMAS = "#/components/schemas/"
_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h2 { border-bottom: 1px solid; margin-top: 2.5rem }
h3 { margin-bottom: .25rem }
code, .path { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { border-bottom: 1px solid #8886; padding: .25rem 1rem .25rem 0; text-align: left;
  vertical-align: top }
"""


def render_docs(document: Mapping[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    body = "\n".join([*_operations(document["paths"]), *_schemas(document["components"])])
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n"
        f"<p>{_prose(info['description'])} For programs: "
        f'<a href="openapi.json">openapi.json</a>.</p>\n{body}\n</body></html>\n'
    )


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Operations</h2>"
    for path, item in paths.items():
        for method, operation in item.items():
            if method != "parameters":
                inherited = item.get("parameters", [])
                yield from _operation(method, path, operation, inherited)


def _operation(
    method: str, path: str, operation: Mapping[str, Any], inherited: list[Mapping[str, Any]]
) -> Iterator[str]:
    name = escape(operation["operationId"])
    yield f'<h3 id="{name}" class="path">{method.upper()} {escape(path)}</h3>'
    yield f"<p>{_prose(operation['summary'])}.</p>"
    parameters = [*inherited, *operation.get("parameters", [])]
    if parameters:
        rows = [(each["name"], each["in"], _type(each["schema"])) for each in parameters]
        yield _table(("Parameter", "In", "Type"), [(_code(n), w, t) for n, w, t in rows])
    if body := operation.get("requestBody"):
        optional = "" if body["required"] else " (may be left out)"
        yield f"<p>Body: {_content(body)}{optional}</p>"
    answers = operation["responses"].items()
    rows = [(status, _prose(each["description"]), _content(each)) for status, each in answers]
    yield _table(("Status", "When", "Answer"), rows)


def _schemas(components: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Objects</h2>"
    for name, schema in sorted(components["schemas"].items()):
        yield f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>'
        yield f"<p>{_prose(schema.get('description', ''))}</p>"
        needed = schema.get("required", [])
        rows = [
            (
                _code(member),
                _type(each),
                "" if member in needed else "optional",
                _prose(each.get("description", "")),
            )
            for member, each in schema.get("properties", {}).items()
        ]
        yield _table(("Member", "Type", "", ""), rows) if rows else f"<p>{_type(schema)}</p>"


def _content(part: Mapping[str, Any]) -> str:
    kinds = part.get("content", {}).items()
    return ", ".join(f"{_type(each['schema'])} as {_code(kind)}" for kind, each in kinds)


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words, with links to the objects it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(_SCHEMAS))
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if words := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return ", ".join(_code(str(each)) for each in words)
    if schema.get("type") == "array":
        items = schema.get("prefixItems", [schema.get("items", {})])
        return f"list of {', '.join(_type(each) for each in items)}"
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        return f"object of {_type(values)}"
    return escape(str(schema.get("type", "any")))


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table; its cells are HTML already."""
    head = "".join(f"<th>{each}</th>" for each in heads)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{lines}</table>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _prose(text: str) -> str:
    """Return a text with what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
