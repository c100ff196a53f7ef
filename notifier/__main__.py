"""Lets `python -m notifier` do what `notifier` does."""

from notifier.cli import main

main()
