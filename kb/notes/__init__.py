"""Files and libraries -> records, and which records are one paper."""
