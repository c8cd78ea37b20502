"""The addresses of the page."""

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kb.web.page import marking, reading
from kb.web.page.layout import STATIC

ROUTES: list[BaseRoute] = [
    Route("/", reading.search),
    Route("/search", reading.search),
    Route("/paper/{id:path}", reading.paper),
    Route("/months", reading.months),
    Route("/month/{month}", reading.month),
    Route("/run/{name}", reading.run, methods=["GET"]),
    Route("/run/{name}", marking.run, methods=["POST"]),
    Route("/picture/{file:path}", reading.picture),
    Route("/mark", marking.mark, methods=["POST"]),
    Route("/verify", marking.verify, methods=["POST"]),
    Route("/edit", marking.edit, methods=["POST"]),
    Route("/settings", marking.settings, methods=["POST"]),
    Mount("/static", StaticFiles(directory=STATIC)),
]
