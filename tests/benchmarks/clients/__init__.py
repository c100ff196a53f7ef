"""What people use today, each in a script that runs alone: see `tests.benchmarks.rivals`.

A script is called with the address of a gateway, how many requests to have under way, for how many
seconds, and every how many seconds each of them is made (0: without a pause). It prints its CPU
seconds per request.
"""
