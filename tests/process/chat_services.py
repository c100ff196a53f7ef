"""Stand-ins for chat services: each enforces what its service documents, and keeps what it took.

Sources: the addresses in `notifier/formats/*.py`.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from notifier.http_server import Request, Response, Wire

SECRET = "SECabcdef0123456789"


@dataclass
class ChatService:
    """Takes one message at a time, by the rules of `judge`; limits the first `limited` of them."""

    judge: Callable[["ChatService", Request], Response]
    limited: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0

    async def handle(self, request: Request, _wire: Wire) -> Response:
        self.asked += 1
        return self.judge(self, request)

    def is_limited(self) -> bool:
        """Tell whether this request comes too soon after others."""
        return self.asked <= self.limited

    def take(self, request: Request) -> dict[str, Any]:
        """Keep the message and return it."""
        payload: dict[str, Any] = json.loads(request.body)
        self.taken.append(payload)
        return payload


def discord(service: ChatService, request: Request) -> Response:
    if service.is_limited():
        body = b'{"message":"You are being rate limited.","retry_after":0.3,"global":false}'
        return Response(429, {"content-type": "application/json", "retry-after": "1"}, body)
    payload = json.loads(request.body)
    fits = len(payload["content"]) <= 2000 and len(payload["embeds"]) <= 10
    if request.path != "/api/webhooks/1/token":
        return Response(404, {}, b'{"message":"Unknown Webhook","code":10015}')
    if not fits or payload["allowed_mentions"]["parse"]:
        return Response(400, {}, b'{"message":"Invalid Form Body","code":50035}')
    service.take(request)
    return Response(204)


def teams(service: ChatService, request: Request) -> Response:
    if service.is_limited():
        text = (
            b"Webhook message delivery failed with error: returned HTTP error 429 with ContextId"
        )
        return Response(200, {"content-type": "text/plain"}, text)
    if len(request.body) > 28 * 1024:
        return Response(413)
    (card,) = json.loads(request.body)["attachments"]
    if card["contentType"] != "application/vnd.microsoft.card.adaptive":
        return Response(400)
    service.take(request)
    return Response(202)


def feishu(service: ChatService, request: Request) -> Response:
    payload = json.loads(request.body)
    if service.is_limited():
        return _coded({"code": 11232, "msg": "frequency limited"})
    key = f"{payload.get('timestamp')}\n{SECRET}".encode()
    expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    recent = abs(time.time() - int(payload.get("timestamp", 0))) < 3600
    if payload.get("sign") != expected or not recent:
        return _coded(
            {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}
        )
    service.take(request)
    return _coded({"code": 0, "msg": "success", "data": {}})


def dingtalk(service: ChatService, request: Request) -> Response:
    if service.is_limited():
        return _coded({"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"})
    timestamp = request.query.get("timestamp", "0")
    signed = f"{timestamp}\n{SECRET}".encode()
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    recent = abs(time.time() * 1000 - int(timestamp)) < 3_600_000
    if request.query.get("sign") != base64.b64encode(digest).decode() or not recent:
        return _coded({"errcode": 310000, "errmsg": "sign not match"})
    service.take(request)
    return _coded({"errcode": 0, "errmsg": "ok"})


def wecom(service: ChatService, request: Request) -> Response:
    if service.is_limited():
        return _coded({"errcode": 45009, "errmsg": "api freq out of limit"})
    if request.query.get("key") != "k":
        return _coded({"errcode": 93000, "errmsg": "invalid webhook url"})
    content = json.loads(request.body)["markdown"]["content"]
    if len(content.encode()) > 4096:
        return _coded({"errcode": 40058, "errmsg": "markdown.content exceed max length 4096"})
    service.take(request)
    return _coded({"errcode": 0, "errmsg": "ok"})


def _coded(answer: dict[str, Any]) -> Response:
    return Response(200, {"content-type": "application/json"}, json.dumps(answer).encode())


SERVICES: dict[str, tuple[Callable[[ChatService, Request], Response], str, dict[str, str]]] = {
    "discord": (discord, "/api/webhooks/1/token", {}),
    "teams": (teams, "/workflows/1/triggers/manual/paths/invoke?sig=s", {}),
    "feishu": (feishu, "/open-apis/bot/v2/hook/1", {"secret": SECRET}),
    "dingtalk": (dingtalk, "/robot/send?access_token=1", {"secret": SECRET}),
    "wecom": (wecom, "/cgi-bin/webhook/send?key=k", {}),
}
"""By format: the service's rules, the path of a webhook, and more keys of the endpoint."""
