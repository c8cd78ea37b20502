"""What may be typed, and what is meant by it."""

import pytest

from kb.errors import KbError
from kb.exchange.adding.identify import identify


@pytest.mark.parametrize(
    "typed",
    [
        "2410.00037",
        "2410.00037v2",
        "arXiv:2410.00037",
        "arxiv 2410.00037",
        " https://arxiv.org/abs/2410.00037 ",
        "<https://arxiv.org/abs/2410.00037v2>",
        "http://arxiv.org/pdf/2410.00037v2",
        "https://arxiv.org/pdf/2410.00037v2.pdf",
        "https://arxiv.org/pdf/2410.00037.pdf#page=3",
        "https://arxiv.org/html/2410.00037v1",
        "https://www.arxiv.org/abs/2410.00037?context=cs.SD",
        "https://export.arxiv.org/abs/2410.00037",
        "arxiv.org/abs/2410.00037/",
        "https://ar5iv.labs.arxiv.org/html/2410.00037",
        "https://ar5iv.org/abs/2410.00037",
        "https://www.alphaxiv.org/abs/2410.00037",
        "https://huggingface.co/papers/2410.00037",
        "https://papers.cool/arxiv/2410.00037",
        "10.48550/arXiv.2410.00037",
        "https://doi.org/10.48550/arXiv.2410.00037",
    ],
)
def test_every_spelling_of_an_arxiv_id_is_that_id(typed: str) -> None:
    assert identify(typed) == ("arxiv", "2410.00037")


@pytest.mark.parametrize("typed", ["cs.CL/0101001", "cs/0101001v1", "https://arxiv.org/abs/cs.CL/0101001v2"])
def test_an_old_id_is_known_without_its_subject(typed: str) -> None:
    assert identify(typed) == ("arxiv", "cs/0101001")
    assert identify("math.GT/0309136") == ("arxiv", "math/0309136")
    assert identify("cond-mat/0207270") == ("arxiv", "cond-mat/0207270")
    assert identify("0704.0001") == ("arxiv", "0704.0001")


@pytest.mark.parametrize(
    ("typed", "doi"),
    [
        ("10.1109/5.771073", "10.1109/5.771073"),
        ("doi:10.1109/5.771073", "10.1109/5.771073"),
        ("https://doi.org/10.1109/5.771073", "10.1109/5.771073"),
        ("http://dx.doi.org/10.1109/5.771073.", "10.1109/5.771073"),
        ("https://doi.org/10.1016/S0010-8650(00)80003-2", "10.1016/s0010-8650(00)80003-2"),
        ("https://doi.org/10.1016%2FS0010-8650%2800%2980003-2", "10.1016/s0010-8650(00)80003-2"),
        ("https://doi.org/10.1016/S0010-8650%2800%2980003-2", "10.1016/s0010-8650(00)80003-2"),
        ("https://dl.acm.org/doi/10.1145/3292500.3330701", "10.1145/3292500.3330701"),
        ("https://dl.acm.org/doi/pdf/10.1145/3292500.3330701?x=1", "10.1145/3292500.3330701"),
        ("https://link.springer.com/article/10.1007/s11263-015-0816-y#Sec1", "10.1007/s11263-015-0816-y"),
    ],
)
def test_a_doi_is_found_bare_and_in_addresses(typed: str, doi: str) -> None:
    assert identify(typed) == ("doi", doi)


def test_a_bib_file_is_its_path() -> None:
    assert identify("~/My Papers/a.BIB") == ("bib", "~/My Papers/a.BIB")


@pytest.mark.parametrize(
    "typed", ["2413.00001", "2400.00001", "2410.0037", "1412.00037", "24100.0037", "arxiv.org/abs/x"]
)
def test_an_arxiv_id_that_cannot_be_is_said_to_be_one(typed: str) -> None:
    with pytest.raises(KbError, match=r"an arXiv id should look like 2410\.00037"):
        identify(typed)


@pytest.mark.parametrize(
    "typed", ["", "dm-codec", "https://example.org/paper.pdf", "12.5", "https://openreview.net/forum?id=x"]
)
def test_anything_else_is_refused_with_what_may_be_given(typed: str) -> None:
    with pytest.raises(KbError, match="names no paper; give an arXiv id"):
        identify(typed)
