"""The files that can be downloaded of a completed job: the smallest ones that tools recognise."""

from collections.abc import Mapping
from typing import NamedTuple


class Asset(NamedTuple):
    """A file and its media type."""

    content_type: str
    data: bytes


def _box(kind: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + kind + payload


# a type box and an empty payload
_CLIP = (
    _box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2mp41") + _box(b"free", b"") + _box(b"mdat", b"")
)

# one pixel, lossless
_WEBP = bytes.fromhex(
    "52494646 1a000000 57454250 5650384c 0d000000 2f000000 10071011 118888fe 0700"
)

# one grey pixel, baseline: quantisation table, frame, two Huffman tables, scan
_JPEG = bytes.fromhex(
    "ffd8 ffdb0043 00" + "01" * 64 + "ffc0000b 08 0001 0001 01 011100"
    "ffc40014 00 01" + "00" * 15 + "00"
    "ffc40014 10 01" + "00" * 15 + "00"
    "ffda0008 01 0100 003f00 3f ffd9"
)

ASSETS: Mapping[str, Asset] = {
    "video": Asset("video/mp4", _CLIP),
    "thumbnail": Asset("image/webp", _WEBP),
    "spritesheet": Asset("image/jpeg", _JPEG),
}
"""Every downloadable asset of a completed job, by the word that `variant` takes."""
