"""A question -> ranked hits, each with its reasons."""
