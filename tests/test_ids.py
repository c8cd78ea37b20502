"""Ids, years and names of people in all the ways they are written."""

import pytest

from kb.notes.ids import id_key
from kb.notes.people import person_terms
from kb.notes.years import year_of


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("2410.15017", "2410.15017"),
        ("2410.15017v2", "2410.15017"),
        ("arXiv:2410.15017", "2410.15017"),
        ("arXiv：2410.15017V1 ", "2410.15017"),
        ("https://arxiv.org/abs/2410.15017v2", "2410.15017"),
        ("arxiv.org/pdf/2410.15017.pdf", "2410.15017"),
        ("https://ar5iv.labs.arxiv.org/html/2410.15017?x=1#S2", "2410.15017"),
        ("https://huggingface.co/papers/2410.15017", "2410.15017"),
        ("10.48550/arXiv.2410.15017", "2410.15017"),
        ("https://doi.org/10.48550/arXiv.2410.15017", "2410.15017"),
        ("https://arxiv.org/abs/hep-th/9901001v1", "hep-th/9901001"),
        ("cs.CL/0101001", "cs/0101001"),
        ("10.1000/A1", "10.1000/a1"),
        ("doi: 10.1000/a1.", "10.1000/a1"),
        ("https://doi.org/10.1000/A%2F1", "10.1000/a/1"),
        ("https://dl.acm.org/doi/abs/10.1145/1234.5678", "10.1145/1234.5678"),
        ("10.1016/S0010-8650(00)80003-2", "10.1016/s0010-8650(00)80003-2"),
        ("https://openreview.net/forum?id=xY-z1&noteId=2", "xy-z1"),
        ("https://aclanthology.org/2023.acl-long.1/", "2023.acl-long.1"),
        ("https://aclanthology.org/P19-1001.pdf", "p19-1001"),
        ("@Lee24", "lee24"),
        ("Knuth:1984:TB", "knuth:1984:tb"),
        ("DBLP:journals/corr/abs-2410-15017", "dblp:journals/corr/abs-2410-15017"),
        ("2024-10/dm-codec", "2024-10/dm-codec"),
        ("2024-10/2410.15017", "2024-10/2410.15017"),
    ],
)
def test_an_id_has_one_form_however_it_is_written(written: str, key: str) -> None:
    assert id_key(written) == key
    assert id_key(key) == key


@pytest.mark.parametrize(
    ("published", "venue", "arxiv_id", "acl_id", "year"),
    [
        ("2023-05-01", "ICASSP 2024", "2410.00037", None, "2023"),
        (None, "ICASSP 2024", "2310.00037", None, "2024"),
        (None, "Interspeech’23", None, None, "2023"),
        (None, "ICASSP '98", None, None, "1998"),
        (None, "arXiv preprint arXiv:2005.20012", "2005.20012", None, "2020"),
        (None, None, "hep-th/9901001", None, "1999"),
        (None, None, "cs/0101001", None, "2001"),
        (None, "ACL", None, "2023.acl-long.1", "2023"),
        (None, "ACL", None, "P79-1001", "1979"),
        (None, "Nature", None, None, None),
        (None, "Volume 12019", None, None, None),
    ],
)
def test_the_year_a_paper_appeared_in_is_told_by_its_date_its_venue_or_its_id(
    published: str | None, venue: str | None, arxiv_id: str | None, acl_id: str | None, year: str | None
) -> None:
    assert year_of(published, venue, arxiv_id, acl_id) == year


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("Sang-Hoon Lee", ["sang", "hoon", "lee"]),
        ("Jörg Müller", ["jorg", "muller", "joerg", "mueller"]),
        ("Łukasz Kaiser", ["łukasz", "kaiser", "lukasz"]),
        ("Søren Strauß", ["søren", "strauss", "soren", "soeren"]),
        ("王小明", ["王小", "小明", "明"]),
    ],
)
def test_a_name_is_found_by_those_who_lack_its_letters(name: str, terms: list[str]) -> None:
    assert person_terms(name) == terms
