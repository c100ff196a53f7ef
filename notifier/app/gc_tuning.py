"""Tunes the garbage collector for a process that holds many small objects for a long time.

Reference counts free nearly everything that notifier drops. Little is left for the collector,
but to find it, it walks through all objects: with its default thresholds, made for short
scripts, that was an eighth of the work of polling.
"""

import gc

_YOUNG = 50_000
"""How many new objects make the collector look through the youngest generation."""

_MIDDLE = 20
_OLD = 50


def tune_gc() -> None:
    """Exempt all present objects from collection, and collect the others rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
