"""Arrays of watches: every item has its own result, and the valid ones commit together."""

import json
from pathlib import Path

from tests.control.client import Api, serving
from tests.process.harness import world

ADD, REMOVE = "/v1/watches", "/v1/watches/remove"


async def add(api: Api, items: object) -> list[dict[str, object]]:
    answer = await api.ask("POST", ADD, items)
    assert answer.status == 200, answer.body
    results: list[dict[str, object]] = answer.body["results"]
    return results


async def test_each_item_has_its_result_and_a_broken_one_loses_no_other(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        async with serving(w) as api:
            assert (await api.ask("POST", ADD, {"video_id": "old"})).status == 201
            results = await add(
                api,
                [
                    {"video_id": "new", "metadata": {"user": "7"}},
                    {"video_id": "old"},
                    {"video_id": "old", "metadata": {"user": "8"}},
                    {"video_id": ".."},
                    {"video_id": "other", "gateway": "mian"},
                    {"video_id": "typo", "metdata": {}},
                    "text",
                    {"video_id": "new", "metadata": {"user": "7"}},
                ],
            )
            assert [each["status"] for each in results] == [201, 200, 409, 422, 422, 422, 422, 200]
            assert results[0]["watch"]["metadata"] == {"user": "7"}  # type: ignore[index]
            problems = [str(each.get("problem")) for each in results]
            assert "did you mean `main`?" in problems[4]
            assert '\\"mian\\"' in json.dumps(results[4])
            assert "did you mean `metadata`?" in problems[5]
            listed = await api.ask("GET", "/v1/watches")
    assert {row["video_id"] for row in listed.body["data"]} == {"old", "new"}


async def test_a_thousand_videos_are_added_and_removed_in_one_request_each(tmp_path: Path) -> None:
    ids = [f"job-{number}" for number in range(1000)]
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        async with serving(w) as api:
            added = await add(api, [{"video_id": each} for each in ids])
            assert {each["status"] for each in added} == {201}
            status = (await api.ask("GET", "/v1/status")).body
            assert status["watches"] == {"open": 1000, "polled": 1000}

            gone = [{"gateway": "main", "video_id": each} for each in [*ids[:999], "nope"]]
            answer = await api.ask("POST", REMOVE, gone)
            statuses = [each["status"] for each in answer.body["results"]]
            assert statuses == [204] * 999 + [404]
            status = (await api.ask("GET", "/v1/status")).body
            assert status["watches"] == {"open": 1, "polled": 1}


async def test_too_many_or_too_large_arrays_change_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w) as api:
            many = [{"video_id": f"job-{number}"} for number in range(1001)]
            refused = await api.ask("POST", ADD, many)
            assert refused.status == 422
            assert "1001" in refused.body["detail"]
            large = b"[" + b" " * (4 * 1024 * 1024) + b"]"
            assert (await api.ask("POST", ADD, raw=large)).status == 413
            object_ = b'{"video_id": "a"' + b" " * 70_000 + b"}"
            assert (await api.ask("POST", ADD, raw=object_)).status == 413
            assert (await api.ask("POST", REMOVE, {"video_id": "a"})).status == 422
            assert (await api.ask("GET", ADD)).body["data"] == []
