"""Reference implementations: one algorithm a file; a file builds on others of this folder at most."""
