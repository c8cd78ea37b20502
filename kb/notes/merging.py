"""Several records of one paper -> what is known of it."""

from collections.abc import Sequence
from typing import Any


def merged(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one record with each fact from the first of records that gives it, and the links of all, each once.

    Example: venue None and date "2024", then venue "ICASSP" and date "2023" -> venue "ICASSP", date "2024".
    """
    facts = {
        name: next((record[name] for record in records if record.get(name)), value)
        for name, value in records[0].items()
    }
    links: dict[str, Any] = {}
    for record in records:
        for link in record["links"]:
            links.setdefault(link["url"], link)
    return {**facts, "links": list(links.values())}
