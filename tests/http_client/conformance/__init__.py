"""Widely used servers that give the same answers, each in its own way."""
