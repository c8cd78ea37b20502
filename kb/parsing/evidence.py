"""What tells that a text is about a published paper: where it links to, what it is numbered by, where it appeared."""

import re

_HOSTS = (
    r"arxiv\.org|alphaxiv\.org|openreview\.net|aclanthology\.org|aclweb\.org|doi\.org|dl\.acm\.org|ieeexplore\.ieee\.org"
    r"|proceedings\.neurips\.cc|papers\.n(?:eur)?ips\.cc|proceedings\.mlr\.press|jmlr\.org|openaccess\.thecvf\.com"
    r"|isca-(?:speech|archive)\.org|semanticscholar\.org|biorxiv\.org|medrxiv\.org|nature\.com|science\.org|pnas\.org"
    r"|sciencedirect\.com|springer\.com|hal\.science|ssrn\.com|mdpi\.com|frontiersin\.org|ismir\.net|usenix\.org"
    r"|huggingface\.co/papers|paperswithcode\.com|cell\.com|wiley\.com|academic\.oup\.com|researchgate\.net"
)
_SCHOLARLY = re.compile(
    rf"https?://(?:[\w-]+\.)*(?:{_HOSTS})(?=[/?#)\]\s]|$)|https?://[^\s)>\]]{1, 300}\.pdf\b", re.IGNORECASE
)
_NUMBER = re.compile(
    r"\barxiv\s*[:：]?\s*\[?\d{4}\.\d{4,5}|(?<![\d./])\d{4}\.\d{5}(?!\d)|\bdoi\s*[:：]|\b10\.\d{4,9}/\S", re.IGNORECASE
)
_VENUES = (
    "ICASSP|Interspeech|ISCSLP|ASRU|SLT|ISMIR|DCASE|WASPAA|EUSIPCO|NeurIPS|NIPS|ICML|ICLR|AAAI|IJCAI|ACL|EMNLP|NAACL|EACL"
    "|COLING|TACL|CVPR|ICCV|ECCV|WACV|KDD|WWW|SIGIR|CIKM|WSDM|RecSys|UAI|AISTATS|COLT|COLM|CoRL|RSS|ICRA|IROS|SIGGRAPH"
    "|APSIPA|JSTSP|TASLP|TPAMI|TMLR|JMLR|arXiv|CHI|OSDI|SOSP|NSDI|USENIX(?: Security| ATC)?|VLDB|SIGMOD|ICSE"
    "|SIGDIAL|CoNLL|LREC|IWSLT|WMT|Odyssey|IJCNN|BMVC|MICCAI|ISBI|3DV|ACM MM|ICME|MLSys|EuroSys|ASPLOS|ISCA|HPCA"
    "|PLDI|POPL|ATC"
    "|SIGCOMM|NDSS|ICDE|PVLDB|CIDR|ICDM|ECML|TNNLS|TKDE|IJCV|TIP|STOC|FOCS|SODA"
)
VENUE = re.compile(
    rf"(?<![A-Za-z])(?P<venue>{_VENUES})(?![A-Za-z])[\s'’,:-]{{0,3}}(?P<year>(?:19|20)\d\d|[’']?\d\d(?!\d))"
    rf"|(?<!\d)(?:19|20)\d\d[ ,]{{1,2}}(?:{_VENUES})(?![A-Za-z])",
    re.IGNORECASE,
)
_PAPER_LABEL = re.compile(
    r"\[\s*(?:paper|pdf|arxiv|abs|论文|原文|openreview|preprint|acl|doi)s?\b[^\]]{0,20}\]{1,2}\(", re.IGNORECASE
)


RESEARCH = re.compile(
    r"\b(?:learning|networks?|neural|speech|models?|modell?ing|estimation|recognition|detection|segmentation|transformers?"
    r"|language|attention|generation|separation|enhancement|synthesis|representations?|embeddings?|supervised|reinforcement"
    r"|adversarial|diffusion|multimodal|bayesian|inference|optimi[sz]ation|classification|retrieval|reasoning|end-to-end"
    r"|self-supervised|pre-?training|alignment|benchmark|robust|efficient|deep|convolutional|recurrent|probabilistic|audio"
    r"|vision|visual|algorithms?|analysis|systems?|distributed|databases?|parallel|index(?:es|ing)?|hash(?:es|ing)?|storage"
    r"|workloads?|consensus|scalable|memory|concurrency|transactions?|queries|query|querying|approach|framework|method|towards?"
    r"|via|dataset|data-driven|large-scale|evaluation|evaluating|survey|study|dynamic|stochastic|graphs?|sequence|semantic"
    r"|knowledge|theory|statistical|parsing|translation|prediction|predicting|policy|agents?|tokens?|codec|decoding|encoding"
    r"|sampling|quantization|compression)\b|论文|模型|训练|语音|神经网络|学习|数据集|推理|编码器|解码器|微调|表征|注意力|基准|损失函数|算法",
    re.IGNORECASE,
)
TELLING_WORDS = 3
TELLING_SHARE = 0.004  # of the characters


def speaks_of_research(text: str) -> bool:
    """Whether the words of machine learning keep coming in text."""
    count = len(RESEARCH.findall(text))
    return count >= max(TELLING_WORDS, TELLING_SHARE * len(text))


def speaks_of_paper(text: str) -> bool:
    """Whether text links to a paper, gives the number of one, or a venue with its year.

    Example: "[pdf](https://arxiv.org/abs/2410.00037)", "arXiv:2410.00037", "ICASSP 2023".
    """
    return bool(links_to_paper(text) or has_number(text) or VENUE.search(text))


def has_number(text: str) -> bool:
    """Whether text gives the number of a preprint or a DOI: "arXiv:2410.00037"."""
    return bool(_NUMBER.search(text))


def links_to_paper(text: str) -> bool:
    """Whether text links to where papers are published, or calls a link one."""
    if "//" not in text and "](" not in text:
        return False
    return bool(_SCHOLARLY.search(text) or _PAPER_LABEL.search(text))
