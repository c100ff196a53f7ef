"""The instances of the cluster for operators: what each does, and draining one of them."""

from notifier.config.bad_value import quoted
from notifier.errors import ConflictError, UnknownError
from notifier.model.cluster_view import ClusterView
from notifier.store import Store


class Instances:
    """Reads and drains instances; where one daemon has its store alone, there are none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def view(self) -> ClusterView:
        """Return all instances and what they do; raises StoreError."""
        return await self._store.cluster()

    async def drain(self, name: str) -> None:
        """Have an instance hand over all that it does, from its next beat on.

        Raises UnknownError when there is none of that name, ConflictError when no other one could
        take over, StoreError.
        """
        instances = (await self.view()).instances
        if not any(each.name == name for each in instances):
            shown = quoted(name)
            raise UnknownError(
                f"there is no instance {shown}" if shown else "there is no such one"
            )
        if not any(each.can_take_over for each in instances if each.name != name):
            raise ConflictError(f"no other instance could take over what {name} does")
        await self._store.drain(name)
