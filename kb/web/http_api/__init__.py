"""The use cases as /api/v1/…, with the JSON that commands print with --json."""

from kb.web.http_api.routes import ROUTES

__all__ = ["ROUTES"]
