"""Run with: uvicorn --port 9000 fastapi_app:app."""

import threading

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

import inbox

app = FastAPI()
threading.Thread(target=inbox.work, daemon=True).start()


@app.post("/webhooks")
async def receive(request: Request) -> Response:
    """Take one event."""
    body = await request.body()
    if not inbox.verified(request.headers, body):
        return Response(status_code=401)
    await run_in_threadpool(inbox.store, request.headers["webhook-id"], body)
    return Response(status_code=204)
