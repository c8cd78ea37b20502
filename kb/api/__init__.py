"""Every use case once: it returns results and notices, and prints nothing."""
