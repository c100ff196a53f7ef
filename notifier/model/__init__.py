"""The nouns everything else speaks in: pure data, no clock, no event loop, no I/O."""
