import base64

import pytest

from notifier.gateway import asked_ids
from notifier.gateway.asked_ids import AskedIds

MANY = 20_000


def encoded(inner: str, model: str = "m1") -> str:
    text = f"litellm:custom_llm_provider:openai;model_id:{model};video_id:{inner}"
    return "video_" + base64.b64encode(text.encode()).decode()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the base64 texts that were decoded."""
    texts: list[str] = []
    decode = base64.b64decode

    def counting(text: str, *, validate: bool) -> bytes:
        texts.append(text)
        return decode(text, validate=validate)

    monkeypatch.setattr(base64, "b64decode", counting)
    return texts


def test_an_encoded_id_is_decoded_once_however_many_are_asked_for(decoded: list[str]) -> None:
    asked = AskedIds()
    ids = [encoded(f"of many {number}") for number in range(MANY)]
    for _ in range(3):
        for video_id in ids:
            asked.add(video_id)
    assert len(decoded) == len(set(decoded)) == MANY
    assert asked.changes == MANY


def test_ids_of_others_are_not_decoded_at_all(decoded: list[str]) -> None:
    asked = AskedIds()
    asked.add(encoded("one that is decoded"))
    before = len(decoded)
    for number in range(100):
        plain = f"video_68f0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8{number:08}"
        asked.add(plain)
        assert asked.as_asked(plain) == plain
    assert len(decoded) == before == 1


def test_the_id_that_was_asked_for_last_stands_for_a_video() -> None:
    asked = AskedIds()
    first, second, listed = (encoded("v", model) for model in ("a", "b", "c"))
    for video_id in (first, second, first):
        asked.add(video_id)
        assert asked.as_asked(listed) == video_id


def test_only_the_latest_ids_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_ids, "_REMEMBERED", 2)
    asked = AskedIds()
    old, same, new = encoded("v1"), encoded("v2"), encoded("v3")
    again = encoded("v2", model="m2")
    for video_id in (old, same, again, new):
        asked.add(video_id)
    listed = [encoded(f"v{number}", model="m3") for number in (1, 2, 3)]
    assert [asked.as_asked(each) for each in listed] == [listed[0], again, new]
