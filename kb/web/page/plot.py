"""The plot of a reference run as SVG that takes its colours from the page's style sheet."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import floor, isfinite, log10
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 36, 48
TICKS = 5
MOST_LABELS = 12
COLOURS = 6  # classes of the style sheet


def drawn(plot: Mapping[str, Any]) -> Markup:
    """Return an SVG of {"kind": "line" or "bar", "x": […], "series": {name: […]}, "x_label", "y_label"}.

    Lines are drawn over numbers at their place, over anything else side by side.
    """
    xs: Sequence[Any] = plot["x"]
    series: Mapping[str, Sequence[Any]] = plot["series"]
    is_bar = plot["kind"] == "bar"
    ys = [float(y) for values in series.values() for y in values if _is_number(y)]
    if not xs or not ys:
        return Markup("")
    ticks = _ticks(min(0.0, *ys) if is_bar else min(ys), max(0.0, *ys) if is_bar else max(ys))
    across = _places(xs, is_bar)

    def down(y: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (ticks[-1] - y) / (ticks[-1] - ticks[0])

    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y):.1f}" y2="{down(y):.1f}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{down(y) + 4:.1f}" text-anchor="end">{y:.6g}</text>'
        for y in ticks
    ]
    step = max(1, -(-len(xs) // MOST_LABELS))
    parts += [
        f'<text class="tick" x="{across[i]:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{_text(xs[i])}</text>'
        for i in range(0, len(xs), step)
    ]
    room = (WIDTH - LEFT - RIGHT) / len(xs) * 0.8
    for number, values in enumerate(series.values()):
        look = f"series-{number % COLOURS}"
        if is_bar:
            wide = room / len(series)
            parts += [
                f'<rect class="{look}" x="{across[i] - room / 2 + number * wide:.1f}" width="{max(wide - 1, 1):.1f}"'
                f' y="{min(down(y), down(0)):.1f}" height="{abs(down(y) - down(0)):.1f}"/>'
                for i, y in enumerate(values)
                if _is_number(y)
            ]
        else:
            points = [(across[i], down(float(y))) for i, y in enumerate(values) if _is_number(y)]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline class="{look}" points="{path}"/>')
            if len(points) <= 3 * MOST_LABELS:
                parts += [f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    x_label, y_label = _text(plot.get("x_label", "")), _text(plot.get("y_label", ""))
    parts.append(f'<text class="label" x="8" y="16">{y_label}</text>')
    parts.append(f'<text class="label" x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>')
    name = f"{y_label} / {x_label}"
    shown = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">{"".join(parts)}</svg>'
    return Markup(shown)  # noqa: S704 - every text in it is escaped


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and isfinite(value)


def _text(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(text if len(text) <= 60 else text[:59] + "…")


def _places(xs: Sequence[Any], is_bar: bool) -> list[float]:
    """Return where each of xs stands from left to right."""
    wide = WIDTH - LEFT - RIGHT
    numbers = [float(x) for x in xs if _is_number(x)]
    if is_bar or len(numbers) < len(xs) or max(numbers) == min(numbers) or not _is_even(numbers):
        return [LEFT + wide * (i + 0.5) / len(xs) for i in range(len(xs))]
    least, most = min(numbers), max(numbers)
    return [LEFT + 12 + (wide - 24) * (x - least) / (most - least) for x in numbers]


def _is_even(numbers: Sequence[float]) -> bool:
    """Return whether numbers lie evenly enough for their labels; 1, 2, 4, …, 1000 do not."""
    span = max(numbers) - min(numbers)
    steps = [abs(b - a) for a, b in pairwise(numbers)]
    return min(steps) >= 0.5 * span / len(numbers)


def _ticks(least: float, most: float) -> list[float]:
    """Return round numbers that hold least and most between them: 0.3, 9.1 -> [0, 2, 4, 6, 8, 10]."""
    if most == least:
        least, most = least - (abs(least) or 1) / 2, most + (abs(most) or 1) / 2
    rough = (most - least) / TICKS
    size = 10.0 ** floor(log10(rough))
    step = size * next(factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first, last = floor(least / step + 1e-9), -floor(-most / step + 1e-9)
    return [step * i for i in range(first, max(last, first + 1) + 1)]
