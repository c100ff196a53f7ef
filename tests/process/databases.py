"""Has a daemon keep its state in PostgreSQL."""

from typing import Any

from tests.process.harness import World


def on_postgres(w: World, url: str) -> dict[str, Any]:
    """Have the world's daemon keep its state in a database; return its environment."""
    w.config["store"] = {"url": {"env": "STORE_URL"}}
    w.save()
    return {"STATE_DIRECTORY": str(w.folder / "state"), "STORE_URL": url}
