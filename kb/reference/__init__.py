"""Reference implementations: one algorithm a file; a file builds on others of this folder at most.

What several share, or what one is made of, is in modules whose names begin with `_`. So a file runs elsewhere with
those that its imports name, in a folder kb/reference.
"""
