"""Years of operation in seconds: the real parts on a virtual clock, with one seed for all chance.

`world` is what surrounds the daemon (gateway, receivers, time). `daemon` runs the real supervisor,
scheduler, gateway client, store, outbox and lanes in it and crashes them. `checker` looks at what
came out from the outside. `python -m tests.simulation --seeds N` runs as long as one likes; a seed
that fails is printed and replays exactly.
"""
