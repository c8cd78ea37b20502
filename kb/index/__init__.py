"""What answers fast: the index, what brings it up to date, and what it needs to read a question."""
