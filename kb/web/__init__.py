"""Fronts that answer over HTTP, from one process that stays: the interface for programs, the page, MCP."""
