"""When to do things: pure arithmetic; time and randomness come in as arguments."""
