"""Text in: what the argument `corpus` may be, and how it is read."""
