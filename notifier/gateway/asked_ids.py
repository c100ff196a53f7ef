"""Remembers which encoded ids were asked for; see `notifier.model.video_ids`."""

from collections import OrderedDict

from notifier.model.video_ids import EncodedId, encoded_id

_REMEMBERED = 100_000


class AskedIds:
    """Maps encoded ids of a list back to the ids that were asked for, the latest 100,000.

    An id that is asked for again and again is decoded once. Other ids are not kept.
    """

    def __init__(self) -> None:
        self._encoded: OrderedDict[str, EncodedId] = OrderedDict()
        self._asked: dict[EncodedId, str] = {}
        self.changes = 0
        """How often something was remembered that `as_asked` had not returned before."""

    def add(self, video_id: str) -> None:
        """Remember that `video_id` is asked for."""
        encoded = self._encoded.get(video_id) or encoded_id(video_id)
        if encoded is None:
            return
        self.changes += self._asked.get(encoded) != video_id
        self._asked[encoded] = video_id
        self._encoded[video_id] = encoded
        self._encoded.move_to_end(video_id)
        if len(self._encoded) > _REMEMBERED:
            self._forget(*self._encoded.popitem(last=False))

    def _forget(self, video_id: str, encoded: EncodedId) -> None:
        if self._asked[encoded] == video_id:  # else it was asked for with another id since
            del self._asked[encoded]

    def as_asked(self, video_id: str) -> str:
        """Return the id that was asked for and names the same video, else `video_id` itself."""
        encoded = encoded_id(video_id) if self._asked else None
        return video_id if encoded is None else self._asked.get(encoded, video_id)
