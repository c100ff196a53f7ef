"""The garbage collector, set for a process that holds many small things for a long time.

Reference counts free nearly everything that notifier lets go of. What is left for the collector
is little, but to find it, it walks through what there is: with its usual thresholds, made for
short scripts, that was an eighth of the work of polling.
"""

import gc

_YOUNG = 50_000
"""How many more objects than before there are when the youngest are looked through."""

_MIDDLE = 20
_OLD = 50


def tune_gc() -> None:
    """Leave what is there now alone for ever, and look through the rest rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
