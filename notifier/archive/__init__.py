"""What is done after a completed ending: a notice before the video expires, and a copy of it.

`expiry_notices` runs the timers of one gateway's videos. Everything that is to be done is in the
store, recorded together with the ending. So it survives restarts, and is done at most once.
"""

from notifier.archive.expiry_notices import ExpiryDeps, ExpiryNotices

__all__ = ["ExpiryDeps", "ExpiryNotices"]
