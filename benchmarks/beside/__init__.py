"""Other tools beside kb: one short file says how a tool is installed and what its user types."""
