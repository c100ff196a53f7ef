"""Servers that others wrote, saying the same things each in its own way."""
