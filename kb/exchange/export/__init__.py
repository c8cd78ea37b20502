"""Papers as files for other programs: reference managers, spreadsheets, Obsidian."""
