"""Compares video ids, including those that LiteLLM encodes.

An id is opaque, with one exception. LiteLLM's proxy answers with ids of its own: `video_` and the
base64 of `litellm:custom_llm_provider:P;model_id:M;video_id:V`. The model id changes with the
alias or deployment that served a request. So two such ids name the same video when provider P and
inner id V are equal. An upstream's answer that is quoted in an error has the bare V, and it names
the video, too. (Source: litellm/types/videos/utils.py, and answers of LiteLLM 1.108.7.)
"""

import base64
import binascii
import sys
from functools import lru_cache
from typing import NamedTuple

_PREFIX = "video_"
_BEGINNING = "video_bGl0ZWxsbTp"
"""How such an id begins: the prefix, and the whole digits of `litellm:c`."""

_MODEL, _VIDEO = ";model_id:", ";video_id:"
_SHORTEST = 40
_LONGEST = 4096
_SEPARATOR = "\n"  # in no video id


class EncodedId(NamedTuple):
    """What an id of LiteLLM holds; the model id is left out, because it does not identify."""

    provider: str
    inner: str


def encoded_id(video_id: str) -> EncodedId | None:
    """Return what an id of LiteLLM holds, None for any other id."""
    if not video_id.startswith(_BEGINNING) or not _SHORTEST < len(video_id) < _LONGEST:
        return None
    return _decoded(video_id)


@lru_cache(maxsize=4096)
def _decoded(video_id: str) -> EncodedId | None:
    digits = video_id.removeprefix(_PREFIX).rstrip("=").translate({45: "+", 95: "/"})
    try:
        text = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True).decode()
    except (binascii.Error, UnicodeError):
        return None
    provider, model_found, rest = text.partition(_MODEL)
    _, video_found, inner = rest.partition(_VIDEO)
    inner = inner.partition(";")[0]  # as LiteLLM itself reads it
    if not (model_found and video_found and inner and "provider" in provider):
        return None
    return EncodedId(sys.intern(provider), inner)  # one text for very many ids


def names_of(video_id: str) -> tuple[str, ...]:
    """Return the texts that may stand for a video: its id, and the inner id of an encoded one."""
    encoded = encoded_id(video_id)
    return (video_id,) if encoded is None else (video_id, encoded.inner)


def key_of(video_id: str) -> str:
    """Return a key to compare ids by: the id, or provider and inner id of an encoded one."""
    encoded = encoded_id(video_id)
    return video_id if encoded is None else _SEPARATOR.join(encoded)


def inner_of(key: str) -> str | None:
    """Return the inner id in the key of an encoded id, None for any other key."""
    _, encoded, inner = key.partition(_SEPARATOR)
    return inner if encoded else None


def same_video(one: str, other: str) -> bool:
    """Return whether two ids name the same video."""
    if one == other:
        return True
    first, second = encoded_id(one), encoded_id(other)
    if first is not None and second is not None:
        return first == second
    return (first is not None and first.inner == other) or (
        second is not None and second.inner == one
    )
