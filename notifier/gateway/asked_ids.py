"""Remembers which encoded ids were asked for; see `notifier.model.video_ids`."""

from collections import OrderedDict

from notifier.model.video_ids import EncodedId, encoded_id

_REMEMBERED = 50_000


class AskedIds:
    """Maps encoded ids of a list back to the ids that were asked for, the latest 50,000."""

    def __init__(self) -> None:
        self._asked: OrderedDict[EncodedId, str] = OrderedDict()
        self.changes = 0
        """How often something was remembered that `as_asked` had not returned before."""

    def add(self, video_id: str) -> None:
        """Remember that `video_id` is asked for."""
        encoded = encoded_id(video_id)
        if encoded is None:
            return
        self.changes += self._asked.get(encoded) != video_id
        self._asked[encoded] = video_id
        self._asked.move_to_end(encoded)
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)

    def as_asked(self, video_id: str) -> str:
        """Return the id that was asked for and names the same video, else `video_id` itself."""
        encoded = encoded_id(video_id) if self._asked else None
        return video_id if encoded is None else self._asked.get(encoded, video_id)
