"""A date as CSL JSON has it <-> as biblatex and RIS write it: 2024, 2024-10, 2024-10-02, or from one to another."""

import re
from typing import Any

_ISO = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


def from_iso(text: str) -> dict[str, Any] | None:
    """Return a date or a span of two, else the words: "2024-10/2025" -> {"date-parts": [[2024, 10], [2025]]}."""
    text = text.strip()
    parts = [_ISO.fullmatch(part.strip()) for part in text.split("/")]
    if not text:
        return None
    if len(parts) > 2 or not all(parts):
        return {"literal": text}
    return {"date-parts": [[int(number) for number in part.groups() if number] for part in parts if part]}


def to_iso(date: Any) -> str:
    """Return a date of CSL JSON as text: numbers as ISO 8601, else the words that it has; "" for what is none."""
    if not isinstance(date, dict):
        return ""
    spans = date.get("date-parts")
    numbers = [numbers_of(part) for part in spans] if isinstance(spans, list) else []
    if numbers and all(numbers):
        return "/".join("-".join(f"{part:02d}" for part in one) for one in numbers)
    return " ".join(str(date.get("literal") or date.get("raw") or "").split())


def numbers_of(part: Any) -> list[int]:
    """Return year, month and day as far as they are numbers: ["2024", 10] -> [2024, 10]."""
    found = []
    for one in part[:3] if isinstance(part, list) else ():
        if not re.fullmatch(r"[0-9]{1,4}", str(one)):
            break
        found.append(int(one))
    return found


def first(date: Any) -> list[int]:
    """Return the numbers of a date, of a span those of its begin."""
    spans = date.get("date-parts") if isinstance(date, dict) else None
    return numbers_of(spans[0]) if isinstance(spans, list) and spans else []
