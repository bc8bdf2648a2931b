"""Input: the types accepted as `corpus`, and how they are read."""
