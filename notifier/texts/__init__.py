"""Makes foreign text harmless and readable: cleans it, reads it out of answers. Pure."""
