"""What tells that a text is about a published paper: where it links to, what it is numbered by, where it appeared."""

import re
from functools import lru_cache

from kb.notes.ids import ARXIV_NUMBER, DOI_PREFIX, SURE_ARXIV_NUMBER
from kb.patterns import pattern

_HOSTS = (
    r"arxiv\.org|alphaxiv\.org|openreview\.net|aclanthology\.org|aclweb\.org|doi\.org|dl\.acm\.org|ieeexplore\.ieee\.org"
    r"|proceedings\.neurips\.cc|papers\.n(?:eur)?ips\.cc|proceedings\.mlr\.press|jmlr\.org|openaccess\.thecvf\.com"
    r"|isca-(?:speech|archive)\.org|semanticscholar\.org|biorxiv\.org|medrxiv\.org|nature\.com|science\.org|pnas\.org"
    r"|sciencedirect\.com|springer\.com|hal\.science|ssrn\.com|mdpi\.com|frontiersin\.org|ismir\.net|usenix\.org"
    r"|huggingface\.co/papers|paperswithcode\.com|cell\.com|wiley\.com|academic\.oup\.com|researchgate\.net"
)
_SCHOLARLY = pattern(
    rf"https?://(?:[\w-]+\.)*(?:{_HOSTS})(?=[/?#)\]\s]|$)|https?://[^\s)>\]]{1, 300}\.pdf\b", re.IGNORECASE
)
_NUMBER = pattern(
    rf"\barxiv\s*[:：]?\s*\[?{ARXIV_NUMBER}|(?<![\d./]){SURE_ARXIV_NUMBER}|\bdoi\s*[:：]|\b{DOI_PREFIX}/\S",
    re.IGNORECASE,
)
VENUES = (
    "ICASSP|Interspeech|ISCSLP|ASRU|SLT|ISMIR|DCASE|WASPAA|EUSIPCO|NeurIPS|NIPS|ICML|ICLR|AAAI|IJCAI|ACL|EMNLP|NAACL|EACL"
    "|COLING|TACL|CVPR|ICCV|ECCV|WACV|KDD|WWW|SIGIR|CIKM|WSDM|RecSys|UAI|AISTATS|COLT|COLM|CoRL|RSS|ICRA|IROS|SIGGRAPH"
    "|APSIPA|JSTSP|TASLP|TPAMI|TMLR|JMLR|arXiv|CHI|OSDI|SOSP|NSDI|USENIX(?: Security| ATC)?|VLDB|SIGMOD|ICSE"
    "|SIGDIAL|CoNLL|LREC|IWSLT|WMT|Odyssey|IJCNN|BMVC|MICCAI|ISBI|3DV|ACM MM|ICME|MLSys|EuroSys|ASPLOS|ISCA|HPCA"
    "|PLDI|POPL|ATC"
    "|SIGCOMM|NDSS|ICDE|PVLDB|CIDR|ICDM|ECML|TNNLS|TKDE|IJCV|TIP|STOC|FOCS|SODA"
)
VENUE = pattern(
    rf"(?<![A-Za-z])(?P<venue>{VENUES})(?![A-Za-z])[\s'’,:-]{{0,3}}(?P<year>(?:19|20[0-4])\d(?!\d)|[’']?\d\d(?![\d.]|[A-Za-z]))"
    rf"|(?<!\d)(?:19|20)\d\d[ ,]{{1,2}}(?:{VENUES})(?![A-Za-z])",
    re.IGNORECASE,
)
_PAPER_LABEL = pattern(
    r"\[\s*(?:link to )?(?:the )?(?:paper|pdf|arxiv|abs|论文|原文|openreview|preprint|acl|doi)s?\b[^\]]{0,20}\]{1,2}\(",
    re.IGNORECASE,
)


_RESEARCH_WORDS = """
    learning network networks neural speech model models modeling modelling estimation recognition detection
    segmentation transformer transformers language attention generation separation enhancement synthesis
    representation representations embedding embeddings supervised reinforcement adversarial diffusion multimodal
    bayesian inference optimisation optimization classification retrieval reasoning pretraining alignment benchmark
    robust efficient deep convolutional recurrent probabilistic audio vision visual algorithm algorithms analysis
    system systems distributed database databases parallel index indexes indexing hash hashes hashing storage
    workload workloads consensus scalable memory concurrency transaction transactions queries query querying
    approach framework method toward towards via dataset evaluation evaluating survey study dynamic stochastic graph
    graphs sequence semantic knowledge theory statistical parsing translation prediction predicting policy agent
    agents token tokens codec decoding encoding sampling quantization compression
"""
_OF_RESEARCH = frozenset(_RESEARCH_WORDS.split())
_HYPHENATED = ("end-to-end", "pre-training", "data-driven", "large-scale")
_HAN_WORDS = pattern(
    "论文|综述|模型|训练|语音|神经网络|学习|数据集|推理|编码器|解码器|微调|表征|注意力|基准|损失函数|算法"
)
_PAPER_WORDS = "paper papers arxiv doi proceedings conference journal preprint author authors abstract literature al"
_OF_PAPERS = frozenset((*_PAPER_WORDS.split(), "citation", "citations"))
_PAPERS_HAN = pattern("论文|文献|文章|作者|机构|阅读")
_OF_VENUES = frozenset(re.findall("[a-z]{2,}", VENUES.lower()))
_WORDS = pattern("[a-z]+")
_TWO_DIGITS = pattern(r"\d\d")
TELLING_WORDS = 3
TELLING_SHARE = 0.004  # of the characters
SCHOLARLY_SHARE = 0.0005


def research_words(text: str) -> int:
    """Return how many words of machine learning a text has: "Toys for Speech Recognition" -> 2."""
    small = text.lower()
    count = sum(map(_OF_RESEARCH.__contains__, _WORDS.findall(small)))
    if not text.isascii():
        count += len(_HAN_WORDS.findall(text))
    return count + (sum(map(small.count, _HYPHENATED)) if "-" in small else 0)


def speaks_of_research(text: str) -> bool:
    """Whether the words of machine learning keep coming in text."""
    return research_words(text) >= max(TELLING_WORDS, TELLING_SHARE * len(text))


def find_venue(text: str) -> "re.Match[str] | None":
    """Return where a text first names a venue with its year: "ICASSP 2023", "NeurIPS'19"."""
    return VENUE.search(text) if _may_name_venue(text) else None


def without_venues(text: str) -> str:
    """Return text without venues and their years."""
    return VENUE.sub("", text) if _may_name_venue(text) else text


def _may_name_venue(text: str) -> bool:
    return bool(_TWO_DIGITS.search(text)) and not _OF_VENUES.isdisjoint(_WORDS.findall(text.lower()))


def is_scholarly(text: str) -> bool:
    """Whether a text speaks of papers, their authors and venues as often as notes on them do."""
    small = text.lower()
    words = _WORDS.findall(small)
    fewest = max(1, SCHOLARLY_SHARE * len(text))
    count = sum(map(_OF_PAPERS.__contains__, words)) + len(_PAPERS_HAN.findall(text))
    if count < fewest and (named := _OF_VENUES.intersection(words)):
        lines = (line for line in small.split("\n") if _TWO_DIGITS.search(line) and any(one in line for one in named))
        count += sum(len(VENUE.findall(line)) for line in lines)
    return count >= fewest


def speaks_of_paper(text: str) -> bool:
    """Whether text links to a paper, gives the number of one, or a venue with its year.

    Example: "[pdf](https://arxiv.org/abs/2410.00037)", "arXiv:2410.00037", "ICASSP 2023".
    """
    return bool(links_to_paper(text) or has_number(text) or find_venue(text))


def has_number(text: str) -> bool:
    """Whether text gives the number of a preprint or a DOI: "arXiv:2410.00037"."""
    return ("." in text or ":" in text or "：" in text) and bool(_NUMBER.search(text))


@lru_cache(maxsize=2048)
def links_to_paper(text: str) -> bool:
    """Whether text links to where papers are published, or calls a link one."""
    if "//" not in text and "](" not in text:
        return False
    return bool(_SCHOLARLY.search(text) or _PAPER_LABEL.search(text))
