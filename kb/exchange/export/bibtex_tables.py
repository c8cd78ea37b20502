"""The types and fields of BibTeX and biblatex beside those of CSL JSON that say the same."""

TYPES = {  # of BibTeX -> of CSL
    "article": "article-journal", "suppperiodical": "article-journal", "book": "book", "mvbook": "book",
    "collection": "book", "mvcollection": "book", "reference": "book", "mvreference": "book", "proceedings": "book",
    "mvproceedings": "book", "booklet": "pamphlet", "incollection": "chapter", "inbook": "chapter",
    "bookinbook": "chapter", "suppbook": "chapter", "suppcollection": "chapter", "inreference": "entry-encyclopedia",
    "inproceedings": "paper-conference", "conference": "paper-conference", "manual": "report", "techreport": "report",
    "report": "report", "thesis": "thesis", "phdthesis": "thesis", "mastersthesis": "thesis",
    "unpublished": "manuscript", "online": "webpage", "electronic": "webpage", "www": "webpage", "misc": "document",
    "patent": "patent", "periodical": "periodical", "software": "software", "dataset": "dataset", "artwork": "graphic",
    "image": "graphic", "audio": "song", "music": "song", "movie": "motion_picture", "video": "motion_picture",
    "performance": "performance", "letter": "personal_communication", "legislation": "legislation",
    "jurisdiction": "legal_case", "legal": "treaty", "review": "review", "standard": "standard",
}  # fmt: skip
OF_CSL = {csl: bibtex for bibtex, csl in reversed(TYPES.items())} | {
    "report": "techreport", "book": "book", "chapter": "incollection", "song": "music",
    "article-magazine": "article", "article-newspaper": "article", "review-book": "review",
}  # fmt: skip
SUBTYPES = {  # of CSL, those that entrysubtype tells
    *OF_CSL, "article", "bill", "broadcast", "classic", "collection", "entry", "entry-dictionary", "event", "figure",
    "hearing", "interview", "map", "musical_score", "post", "post-weblog", "regulation", "speech",
}  # fmt: skip
GENRES = {"phdthesis": "PhD thesis", "mastersthesis": "Master's thesis"}
TITLES = {"title": "title", "shorttitle": "title-short", "booktitle": "container-title", "journal": "container-title"}
TEXTS = {  # of BibTeX -> of CSL; of several for one, the first that is there
    "journaltitle": "container-title", "shortjournal": "container-title-short", "series": "collection-title",
    "volume": "volume", "chapter": "chapter-number", "part": "part-number", "pagetotal": "number-of-pages",
    "volumes": "number-of-volumes", "publisher": "publisher", "school": "publisher", "institution": "publisher",
    "organization": "publisher", "address": "publisher-place", "location": "publisher-place", "edition": "edition",
    "eventtitle": "event-title", "venue": "event-place", "abstract": "abstract", "keywords": "keyword", "note": "note",
    "annote": "annote", "annotation": "annote", "language": "language", "langid": "language", "version": "version",
    "type": "genre", "howpublished": "medium", "archiveprefix": "archive", "eprinttype": "archive",
    "primaryclass": "archive_collection", "eprintclass": "archive_collection", "library": "call-number",
    "pubstate": "status", "origtitle": "original-title", "origpublisher": "original-publisher",
    "origlocation": "original-publisher-place", "isbn": "ISBN", "issn": "ISSN", "pmid": "PMID", "pmcid": "PMCID",
}  # fmt: skip
VERBATIM = {"doi": "DOI", "url": "URL", "eprint": "archive_location"}
NAMES = {"author": "author", "editor": "editor", "translator": "translator", "bookauthor": "container-author"}
DATES = {"urldate": "accessed", "eventdate": "event-date", "origdate": "original-date"}
NUMBERED = ("report", "patent", "standard", "manuscript", "legislation", "thesis")  # types whose number is their own
IN_SERIES = ("book", "chapter", "paper-conference", "entry-encyclopedia")  # or that of a volume in its series
CONTAINERS = {"article-journal": "journal", "article-magazine": "journal", "article-newspaper": "journal"}
CONTAINERS |= {"review": "journal", "review-book": "journal"}
PUBLISHERS = {"thesis": "school", "report": "institution", "webpage": "organization"}
OWN = ("id", "type", "custom", "issued", "page", "number", "issue", "collection-number")
