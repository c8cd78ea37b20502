"""Reference implementations: one algorithm a file, each self-contained, so that it can be copied out."""
