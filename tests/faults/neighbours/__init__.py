"""How long a healthy endpoint's events take, alone and beside black holes.

Latency runs from the moment that an event is committed to the moment that the receiver has read
it. The parts are the daemon's own: store on disk, lanes, senders over loopback. A round lasts a
few seconds; rounds alone and beside others take turns, so that what else the machine does
falls on both alike, and the median over pairs of rounds is what counts.
"""
