"""The commands: each parses its arguments, makes one call into kb and shows the answer.

What a command needs is imported inside it, so that no command waits for another's imports.
"""
