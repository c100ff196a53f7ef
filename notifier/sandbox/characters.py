"""Characters: names for uploaded videos, which the newest `openai` SDKs create and fetch."""

import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus

from notifier.http_server import Response, json_response
from notifier.sandbox.forms import Form
from notifier.sandbox.responses import missing_parameter, refusal

_MOST = 10_000
_FIELD = 200


class Characters:
    """Characters by id; the oldest are forgotten beyond 10,000."""

    def __init__(self, now: Callable[[], float], rng: random.Random) -> None:
        self._now = now
        self._rng = rng
        self._bodies: OrderedDict[str, Mapping[str, object]] = OrderedDict()

    def create(self, form: Form) -> Response:
        """Answer `POST /videos/characters`."""
        if not form.fields.get("name"):
            return missing_parameter("name")
        if "video" not in form.files:
            return missing_parameter("video")
        character_id = f"char_{self._rng.getrandbits(128):032x}"
        name = form.fields["name"][:_FIELD]
        body = {"id": character_id, "created_at": int(self._now()), "name": name}
        self._bodies[character_id] = body
        if len(self._bodies) > _MOST:
            self._bodies.popitem(last=False)
        return json_response(body)

    def retrieve(self, character_id: str) -> Response:
        """Answer `GET /videos/characters/{id}`."""
        body = self._bodies.get(character_id)
        if body is None:
            return refusal(HTTPStatus.NOT_FOUND, "Character not found", "character_not_found")
        return json_response(body)
