"""The data types that all packages share: pure data, no clock, no event loop, no I/O."""
