"""What 100,000 snapshots have in common is kept once, and a gateway's own fields stay bounded."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import video_parser
from notifier.gateway.decode import decode
from notifier.gateway.video_parser import MAX_EXTRA, read_snapshot
from notifier.model.video import Json, Snapshot

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def read(**given: Json) -> Snapshot:
    body: dict[str, Any] = {"id": "v", "status": "queued", **given}
    return read_snapshot(decode(json.dumps(body).encode()), "v", {})


def test_snapshots_share_the_texts_that_repeat() -> None:
    one, other = (read(status="running now", model="sora-2-pro", size="1x1") for _ in range(2))
    assert one == other
    assert (one.word is other.word, one.model is other.model, one.size is other.size) == (
        *(True, True, True),
    )


@given(JSON)
def test_the_quick_look_at_a_size_never_says_too_little(value: Json) -> None:
    assert video_parser._at_most([value]) >= video_parser._size([value])  # noqa: SLF001


def test_own_fields_are_kept_up_to_the_bound_and_the_smallest_first() -> None:
    fits = "x" * (MAX_EXTRA - 100)
    assert read(url=fits).extra == {"url": fits}
    assert read(url=fits, note="n" * 200).extra == {"note": "n" * 200}
