"""Takes one event from Debian's webhook; `inbox.py` of the Python receivers lies beside it."""

import os
import sys

import inbox

names = ("webhook-id", "webhook-timestamp", "webhook-signature")
headers = dict(zip(names, sys.argv[1:], strict=True))
body = os.environb[b"BODY"]
if not inbox.verified(headers, body):
    sys.exit("no valid signature")  # webhook answers 500
inbox.store(headers["webhook-id"], body)
