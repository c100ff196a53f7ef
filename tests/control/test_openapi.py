"""The API conforms to its OpenAPI document: schemathesis generates the requests."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import trio

from notifier.control.docs_page import render_docs
from notifier.control.openapi import document
from tests.control.client import Answer, serving
from tests.faults.jobs import begin, finish
from tests.process.harness import clean_environment, world

EXAMPLES = 25


async def test_the_api_conforms_to_its_openapi_document(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")  # generated watches stay open
        begin(w, "job")
        async with serving(w) as api:
            url = f"http://127.0.0.1:{api.port}/openapi.json"
            done = await trio.run_process(
                [
                    *(str(Path(sys.executable).with_name("schemathesis")), "run", url),
                    *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
                    *("--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
                ],
                capture_stdout=True,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=tmp_path,
                env=clean_environment(),
            )
        assert done.returncode == 0, done.stdout.decode()
        assert "request_crashed" not in api.daemon.log_path.read_text()


def strict(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema in which an object has no other members than those that are described."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {**closed, **{name: strict(each) for name, each in schema.items()}}


def check_described(method: str, path: str, answer: Answer) -> None:
    """Check that an answer has its described status, type and members, and no others."""
    described = document()["paths"][path][method.lower()]["responses"][str(answer.status)]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = described["content"][kind]["schema"]
    jsonschema.Draft202012Validator(
        strict({**schema, "components": document()["components"]})
    ).validate(answer.body)


async def test_every_answer_of_a_real_daemon_has_just_the_members_that_are_described(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        begin(w, "job")
        async with serving(w) as api:
            finish(w, "job")
            await api.daemon.wait_for_log("attempt")
            (event,) = (await api.ask("GET", "/v1/events")).body["data"]
            one = event["id"]
            for method, path, body, where in (
                ("POST", "/v1/watches", {"video_id": "new", "metadata": {"a": "b"}}, ""),
                ("POST", "/v1/watches", {"video_id": "new"}, ""),
                ("POST", "/v1/watches", {"video_id": ".."}, ""),
                ("POST", "/v1/watches", [{"video_id": "second"}, {"video_id": "new"}, {}], ""),
                ("POST", "/v1/watches/remove", [{"gateway": "main", "video_id": "second"}, 1], ""),
                ("GET", "/v1/watches", None, ""),
                ("GET", "/v1/watches/{gateway}/{video_id}", None, "/v1/watches/main/job"),
                ("GET", "/v1/watches/{gateway}/{video_id}", None, "/v1/watches/main/nope"),
                ("GET", "/v1/status", None, ""),
                ("GET", "/v1/events", None, ""),
                ("GET", "/v1/events/{id}", None, f"/v1/events/{one}"),
                ("GET", "/v1/events/{id}", None, "/v1/events/nope"),
                ("POST", "/v1/events/{id}/resend", {}, f"/v1/events/{one}/resend"),
                ("POST", "/v1/replay", {"since": 0, "only": "all"}, ""),
                ("POST", "/v1/replay", {"since": "soon"}, ""),
                ("GET", "/v1/endpoints", None, ""),
                ("POST", "/v1/endpoints/{name}/enable", {}, "/v1/endpoints/app/enable"),
                ("POST", "/v1/endpoints/{name}/test", {}, "/v1/endpoints/app/test"),
                ("POST", "/v1/reload", {}, ""),
                ("GET", "/v1/instances", None, ""),
                ("POST", "/v1/instances/{name}/drain", {}, "/v1/instances/web-1/drain"),
                ("DELETE", "/v1/instances/{name}/drain", None, "/v1/instances/web-1/drain"),
                ("GET", "/healthz", None, ""),
                ("GET", "/readyz", None, ""),
                ("GET", "/openapi.json", None, ""),
            ):
                check_described(method, path, await api.ask(method, where or path, body))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method, path, operation


def test_every_operation_has_a_name_and_typed_answers() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for _, path, operation in operations():
        for status, answer in operation["responses"].items():
            if path != "/openapi.json" or status != "200":
                for content in answer.get("content", {}).values():
                    named = content["schema"].get("anyOf", [content["schema"]])
                    assert all("$ref" in each or each == {"type": "string"} for each in named)


async def test_the_page_is_readable_without_a_token_and_without_a_foreign_origin(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w, token="a-token-of-twenty-nine-letters") as api:
            page = await api.ask("GET", "/docs", headers={"authorization": ""})
            without = await api.ask("GET", "/openapi.json", headers={"authorization": ""})
    assert (page.status, without.status) == (200, 401)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    html = page.body
    assert not re.search(r"https?://|<script|src=|@import|url\(", html)
    for method, path, operation in operations():
        assert f"{method.upper()} {path}" in html
        assert f'id="{operation["operationId"]}"' in html
    linked = set(re.findall(r'href="#([^"]+)"', html))
    assert linked <= set(re.findall(r'id="([^"]+)"', html))
    assert {f"schema-{name}" for name in document()["components"]["schemas"]} >= linked


def test_the_page_shows_what_the_description_says_as_text() -> None:
    changed = json.loads(json.dumps(document()))
    changed["info"]["description"] = "<b>bold</b> & `code`"
    page = render_docs(changed)
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; <code>code</code>" in page
