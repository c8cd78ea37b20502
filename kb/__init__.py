"""A knowledge base over a researcher's monthly paper notes."""

__version__ = "0.1.0"
