"""The smallest bytes that tools recognise as MP4: a type box and an empty payload."""


def _box(kind: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + kind + payload


CLIP = _box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2mp41") + _box(b"free", b"") + _box(b"mdat", b"")
"""The content of every completed job of the sandbox."""
