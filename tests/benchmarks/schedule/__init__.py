"""How late ends are seen, and for how many requests: the schedule against a fixed loop.

Trace-driven: made-up jobs whose every second is known are asked about by the daemon's own
schedule and by the loop that people write, `retrieve` at once and then every 20 s. Seeds are
fixed. `python -m tests.benchmarks.schedule [--quick]` prints the rows; `reach` returns them.
"""

from tests.benchmarks.schedule.rows import reach

__all__ = ["reach"]
