"""Run with: flask --app flask_app run --port 9000."""

import threading

from flask import Flask, request

import inbox

app = Flask(__name__)
threading.Thread(target=inbox.work, daemon=True).start()


@app.post("/webhooks")
def receive() -> tuple[str, int]:
    """Take one event."""
    body = request.get_data()
    if not inbox.verified(request.headers, body):
        return "", 401
    inbox.store(request.headers["webhook-id"], body)
    return "", 204
