"""Names and types of files in the archive: whatever a gateway says, they are harmless.

No two watches have the same name. An id that is a name by itself is used as it is, unless it
looks like a name that is made here, with a generation or a digest at its end.
"""

import hashlib
import re

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}")
_MADE_HERE = re.compile(r".*(\.g[0-9]+|-[0-9a-f]{16})", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_MOST_SAFE = 100
_DIGITS = 16
_ESSENCE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")

UNKNOWN_TYPE = "application/octet-stream"

_ENDINGS = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "image/gif": "gif",
}
_BEGINNINGS = (
    (re.compile(rb".{4}ftypqt  ", re.DOTALL), "mov"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "mp4"),
    (re.compile(rb"\x1aE\xdf\xa3"), "webm"),
    (re.compile(rb"GIF8[79]a"), "gif"),
)
_NO_VIDEO = re.compile(r"text/.*|application/(.*\+)?(json|xml|html)|.*/xhtml\+xml|image/svg.*")


def file_name(video_id: str, generation: int) -> str:
    """Return the name, without its ending, of the copy of a video."""
    name = video_id
    if not _PLAIN.fullmatch(video_id) or _MADE_HERE.fullmatch(video_id):
        digest = hashlib.sha256(video_id.encode("utf-8", "surrogatepass")).hexdigest()
        name = f"{_UNSAFE.sub('_', video_id)[:_MOST_SAFE]}-{digest[:_DIGITS]}"
    return name if generation == 1 else f"{name}.g{generation}"


def media_type(header: str) -> str:
    """Return the type that a `Content-Type` names, without parameters."""
    essence = header.partition(";")[0].strip().lower()
    return essence if _ESSENCE.fullmatch(essence) else UNKNOWN_TYPE


def is_no_video(media: str) -> bool:
    """Return whether a type is that of an error, a page or a script rather than of a video."""
    return _NO_VIDEO.fullmatch(media) is not None


def ending(media: str, beginning: bytes) -> str:
    """Return the ending for a file of a type; its first bytes decide if that says little."""
    if media in _ENDINGS:
        return _ENDINGS[media]
    if media in {UNKNOWN_TYPE, "binary/octet-stream"}:
        return next((name for form, name in _BEGINNINGS if form.match(beginning)), "bin")
    return "bin"
