"""Shares the work among instances that have one store, and takes over what a dead one did.

`membership` registers this instance, beats, and buries those that do not. `trust` says how long
the instance may work without having reached the store. `ownership` decides which leases to take
and to hand over, and `leaseholder` does it. `grants` splits a gateway's budget. `mail` brings
changes of watches to their owner. What work a lease is, is not known here: see `deps.Work`.
"""
