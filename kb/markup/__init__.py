"""Markdown and LaTeX of notes: read, and written as HTML, as safe Markdown and for a terminal."""
