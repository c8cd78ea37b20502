"""Which records are the same paper: union-find over what they are known by.

Records that share an id are one paper. A title joins them too, unless it would bring together two different ids of one
kind: then all that bear the title stay as the ids left them. What the user says of records goes before both.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

TITLE = "title"


def works(
    identities: Iterable[tuple[str, str, str]],
    same: Iterable[Sequence[str]] = (),
    different: Iterable[Sequence[str]] = (),
) -> list[tuple[str, ...]]:
    """Return the papers that several records are about, as the ids of their records in order.

    identities are (kind, value, id of the record); same and different hold ids of records that the user joins and
    parts. Where the two contradict each other, records stay apart. The order of what is given makes no difference.
    Example: ("arxiv", "2410.15017", "a"), ("arxiv", "2410.15017", "b"), ("title", "x y z", "c") -> [("a", "b")].
    """
    bearers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for kind, value, record in identities:
        bearers[kind, value].add(record)
    sets = _Sets(different)
    for listed in sorted(map(sorted, same)):
        sets.join(listed)
    titles = sorted(identity for identity in bearers if identity[0] == TITLE)
    ids = sorted(identity for identity in bearers if identity[0] != TITLE)
    for identity in ids:
        sets.join(sorted(bearers[identity]))
    for kind, value in ids:
        for record in bearers[kind, value]:
            sets.ids[sets.find(record)].add((kind, value))
    for identity in titles:
        records = sorted(bearers[identity])
        if len(records) > 1 and not sets.disagree(records):
            sets.join(records)
    return sorted(tuple(sorted(members)) for members in sets.members.values() if len(members) > 1)


class _Sets:
    """Disjoint sets of records, of which some must not meet."""

    def __init__(self, different: Iterable[Sequence[str]]) -> None:
        self._parent: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}  # by root
        self.ids: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)  # of all members, by root
        self._apart: defaultdict[str, set[str]] = defaultdict(set)  # records that no member may meet, by root
        for listed in different:
            for record in listed:
                self._apart[record].update(other for other in listed if other != record)

    def find(self, record: str) -> str:
        """Return the root of record's set."""
        if record not in self._parent:
            self._parent[record] = record
            self.members[record] = {record}
        while self._parent[record] != record:
            self._parent[record] = record = self._parent[self._parent[record]]
        return record

    def join(self, records: Sequence[str]) -> None:
        """Join records: each with the first before it that it may meet."""
        firsts: list[str] = []
        for record in records:
            if not any(self._unite(first, record) for first in firsts):
                firsts.append(record)

    def disagree(self, records: Sequence[str]) -> bool:
        """Whether the sets of records hold different ids of one kind."""
        kinds = [
            kind for root in {self.find(record) for record in records} for kind in {kind for kind, _ in self.ids[root]}
        ]
        return len(kinds) > len(set(kinds))

    def _unite(self, one: str, other: str) -> bool:
        big, small = sorted((self.find(one), self.find(other)), key=lambda root: -len(self.members[root]))
        if big == small:
            return True
        if self._apart[small] & self.members[big]:
            return False
        self._parent[small] = big
        self.members[big] |= self.members.pop(small)
        self.ids[big] |= self.ids.pop(small, set())
        self._apart[big] |= self._apart.pop(small)
        return True
