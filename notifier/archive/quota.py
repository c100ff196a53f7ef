"""How much the archive holds, and what is reserved for files that are being written."""


class Quota:
    """Counts bytes: `held` are on the disk, `reserved` will be; together at most `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        self.reserved = 0

    def reserve(self, size: int) -> bool:
        """Reserve so many bytes; return whether there is room for them."""
        if self.held + self.reserved + size > self.most:
            return False
        self.reserved += size
        return True

    def release(self, size: int) -> None:
        """Give back what was reserved and not written."""
        self.reserved -= size

    def wrote(self, size: int) -> None:
        """Turn reserved bytes into bytes on the disk."""
        self.reserved -= size
        self.held += size

    def removed(self, size: int) -> None:
        """Count a file as gone."""
        self.held -= size
