"""The settings of a knowledge base: kb.toml read, edited, explained and started."""
