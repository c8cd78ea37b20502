"""Numbers with their units: one thing to look for, however the thousands are written."""

import re
from collections.abc import Iterator

_UNIT = (
    r"[kmb万亿]\s?(?:hours?|hrs?|小时)(?![a-z])"  # 100k hours
    r"|[a-z]{1,4}(?![a-z0-9])"  # 1.5b, 24khz
    r"|\s(?:[kmg]?hz|[km]?bps|kb|mb|gb|tb|ms|sec|min|h|hrs?|hours?|days?|fps|db|kbit|dims?)(?![a-z])"  # 12.5 hz
    r"|\s?[百千万亿]{0,2}(?:小时|分钟|[年月天层个条种倍级维步帧句首篇人次位阶段轮秒]|(?<=[百千万亿]))"  # 10万小时
)
# Not compiled here: most queries have no figure in them.
_QUANTITY = rf"(?<![a-z\d.,_-])\d[\d,]*(?:\.\d+)?(?:{_UNIT})"
_SCALED = r"(?s:(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?P<scale>[kmb万亿](?![a-z]))?(?P<unit>.*))"
_FIGURES = frozenset("0123456789")
_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "万": 1e4, "亿": 1e8}
_SENSIBLE = (0.1, 10_000)  # between which a number stands before a scale
_FEWEST = 10_000  # for a number without a scale to be written with one
_UNITS = {"小时": "hours", "hours": "小时", "hour": "小时", "h": "小时"}


def quantities(text: str) -> Iterator[tuple[str, str]]:
    """Yield text, in lower case, as pairs of what stands between quantities and the quantity after it, "" at the end.

    Example: "10万小时 emilia" -> ("", "10万小时"), (" emilia", "").
    """
    end = 0
    for found in re.finditer(_QUANTITY, text) if not _FIGURES.isdisjoint(text) else ():
        yield text[end : found.start()], found[0]
        end = found.end()
    yield text[end:], ""


def spelt_otherwise(quantity: str) -> tuple[str, ...]:
    """Return other ways to write a quantity of thousands: "10万小时" -> "100k小时", "100,000 hours" and others."""
    found = re.fullmatch(_SCALED, quantity)
    if not found:
        return ()
    value = float(found["number"].replace(",", "")) * _SCALES.get(found["scale"], 1)
    if not found["scale"] and value < _FEWEST:
        return ()
    unit = found["unit"].strip()
    units = [f" {one}" if one.isascii() else one for one in dict.fromkeys((unit, _UNITS.get(unit, unit)))]
    least, most = _SENSIBLE
    numbers = [f"{value / scale:g}{sign}" for sign, scale in _SCALES.items() if least <= value / scale < most]
    return tuple((number + one).strip() for number in (*numbers, f"{value:,.0f}", f"{value:.0f}") for one in units)
