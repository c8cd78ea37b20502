"""What types, fields and roles of Zotero are called in CSL JSON, as Zotero itself exports them."""

TYPES = {  # others are documents
    "artwork": "graphic", "audioRecording": "song", "bill": "bill", "blogPost": "post-weblog", "book": "book",
    "bookSection": "chapter", "case": "legal_case", "computerProgram": "software",
    "conferencePaper": "paper-conference", "dataset": "dataset", "dictionaryEntry": "entry-dictionary",
    "email": "personal_communication", "encyclopediaArticle": "entry-encyclopedia", "film": "motion_picture",
    "forumPost": "post", "hearing": "hearing", "instantMessage": "personal_communication", "interview": "interview",
    "journalArticle": "article-journal", "letter": "personal_communication", "magazineArticle": "article-magazine",
    "manuscript": "manuscript", "map": "map", "newspaperArticle": "article-newspaper", "patent": "patent",
    "podcast": "song", "preprint": "article", "presentation": "speech", "radioBroadcast": "broadcast",
    "report": "report", "standard": "standard", "statute": "legislation", "thesis": "thesis",
    "tvBroadcast": "broadcast", "videoRecording": "motion_picture", "webpage": "webpage",
}  # fmt: skip
FIELDS = {  # of several for one, the first that is filled in
    "title": "title", "caseName": "title", "nameOfAct": "title", "subject": "title", "shortTitle": "title-short",
    "abstractNote": "abstract", "publicationTitle": "container-title", "proceedingsTitle": "container-title",
    "bookTitle": "container-title", "websiteTitle": "container-title", "blogTitle": "container-title",
    "forumTitle": "container-title", "encyclopediaTitle": "container-title", "dictionaryTitle": "container-title",
    "programTitle": "container-title", "journalAbbreviation": "container-title-short",
    "conferenceName": "event-title", "meetingName": "event-title", "DOI": "DOI", "url": "URL", "extra": "note",
    "archiveID": "number", "number": "number", "reportNumber": "number", "patentNumber": "number",
    "billNumber": "number", "docketNumber": "number", "volume": "volume", "issue": "issue", "pages": "page",
    "numPages": "number-of-pages", "numberOfVolumes": "number-of-volumes", "publisher": "publisher",
    "university": "publisher", "institution": "publisher", "company": "publisher", "studio": "publisher",
    "label": "publisher", "repository": "publisher", "place": "publisher-place", "edition": "edition",
    "series": "collection-title", "seriesTitle": "collection-title", "seriesNumber": "collection-number",
    "section": "section", "ISBN": "ISBN", "ISSN": "ISSN", "language": "language", "thesisType": "genre",
    "reportType": "genre", "genre": "genre", "manuscriptType": "genre", "presentationType": "genre",
    "versionNumber": "version", "system": "medium", "medium": "medium", "archive": "archive",
    "archiveLocation": "archive_location", "libraryCatalog": "source", "callNumber": "call-number",
    "rights": "license", "scale": "scale", "citationKey": "citation-key",
}  # fmt: skip
ROLES = {  # others contribute
    "author": "author", "programmer": "author", "presenter": "author", "artist": "author", "inventor": "author",
    "cartographer": "author", "podcaster": "author", "interviewee": "author", "sponsor": "author", "editor": "editor",
    "seriesEditor": "collection-editor", "translator": "translator", "bookAuthor": "container-author",
    "composer": "composer", "director": "director", "interviewer": "interviewer", "recipient": "recipient",
    "reviewedAuthor": "reviewed-author", "performer": "performer", "producer": "producer", "guest": "guest",
    "scriptwriter": "script-writer",
}  # fmt: skip
