"""What 100,000 snapshots have in common is kept once, and a gateway's own fields stay bounded."""

import gc
import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import extra_fields
from notifier.gateway.decode import decode
from notifier.gateway.extra_fields import MAX_EXTRA
from notifier.gateway.job_search import find_job
from notifier.gateway.video_parser import read_snapshot
from notifier.model.extras import PackedFields, pack
from notifier.model.video import Json, Snapshot
from notifier.store.codec import dump_snapshot, load_snapshot

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def read(**given: Json) -> Snapshot:
    body: dict[str, Any] = {"id": "v", "status": "queued", **given}
    job = find_job(decode(json.dumps(body).encode()), "v", {}).job
    assert job is not None
    return read_snapshot(job, "v")


def test_snapshots_share_the_texts_that_repeat() -> None:
    one, other = (read(status="running now", model="sora-2-pro", size="1x1") for _ in range(2))
    assert one == other
    assert (one.word is other.word, one.model is other.model, one.size is other.size) == (
        *(True, True, True),
    )


@given(JSON)
def test_the_quick_look_at_a_size_never_says_too_little(value: Json) -> None:
    assert extra_fields._at_most([value]) >= extra_fields._size([value])  # noqa: SLF001


def test_own_fields_are_kept_up_to_the_bound_and_the_smallest_first() -> None:
    fits = "x" * (MAX_EXTRA - 100)
    assert read(url=fits).extra == {"url": fits}
    assert read(url=fits, note="n" * 200).extra == {"note": "n" * 200}


MANY: dict[str, dict[str, Any]] = {
    "empty objects": {"x": [{} for _ in range(4900)]},
    "own objects": {f"{number:x}": {} for number in range(1500)},
    "nested": {"x": [[[number]] for number in range(1500)]},
    "one each": {"x": [{"a": number} for number in range(1500)]},
}


@pytest.mark.parametrize("name", MANY)
def test_own_fields_take_no_more_memory_than_their_json(name: str) -> None:
    body = json.dumps({"id": "v", "status": "queued", **MANY[name]}).encode()
    read(**MANY[name])  # what is kept once for all, such as caches
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [read(**MANY[name]) for _ in range(3)]
        stored = [load_snapshot(dump_snapshot(one) or "") for one in kept]
        dict(PackedFields({}))  # the one decoded copy in the process is now this
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert (after - before) / (len(kept) + len(stored)) < 4 * len(body)
    assert dict(kept[0].extra) == MANY[name]
    assert kept == stored


@given(st.dictionaries(st.text(), JSON, max_size=60))
def test_packed_fields_read_as_they_were(fields: dict[str, Json]) -> None:
    clean = json.loads(json.dumps(fields), parse_constant=str)
    packed: Mapping[str, Json] = pack(clean)
    assert dict(packed) == clean
    assert packed == clean
    assert PackedFields(clean) == PackedFields(clean)
    assert bool(packed) == bool(clean)
