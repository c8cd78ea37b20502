"""The page: notes searched, read and marked in a browser."""
