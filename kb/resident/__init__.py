"""A process that stays, so that a command need not load what the last one has loaded."""
