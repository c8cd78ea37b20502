"""Run what the notes claim, and keep the ledger of what held."""
