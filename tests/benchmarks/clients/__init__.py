"""What people use today, each in a script that runs alone: see `tests.benchmarks.rivals`.

A script is called with the address of a gateway, how many requests to have under way, and for how
many seconds; it prints its CPU seconds per request.
"""
