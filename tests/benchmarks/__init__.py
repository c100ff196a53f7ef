"""How fast and how small it is, measured side by side with what people use otherwise."""
