"""What takes as long as reading all of it again. A rule takes the knowledge base, a reader and a progress."""

from collections.abc import Iterator
from shlex import quote

from kb.api.doctor.findings import Finding, some
from kb.api.doctor.index import damaged
from kb.config.kb_toml import NO_ENCODER, Config
from kb.errors import EncoderMissing, KbError
from kb.index.encoders.exported import changed_files
from kb.index.encoders.paired import ExportedEncoder, open_encoder
from kb.index.integrity import other_notes, other_vectors
from kb.index.sqlite import nearest
from kb.index.sqlite.reader import Reader
from kb.progress import Progress

FIX = "kb doctor --deep --fix"


def notes(config: Config, reader: Reader, progress: Progress) -> Iterator[Finding]:
    """Read every note and compare it with what was indexed."""
    try:
        found = other_notes(config, reader, progress)
    except KbError:  # an ordinary examination tells it
        return
    if found:
        what = f"not as they were indexed, though time and size are the same: {some(found)}"
        yield Finding("notes", "broken", what, FIX, "reread")
    else:
        yield Finding("notes", "ok", "every note that was indexed is as it was, or known to have changed")


def encoder(config: Config, reader: Reader, progress: Progress) -> Iterator[Finding]:
    """Compare the encoder's files with their sums, and the vectors with what it makes."""
    found = None if config.encoder == NO_ENCODER else open_encoder(config.index, config.encoder)
    if not found:  # an ordinary examination tells it
        return
    if any(part.manifest.files is None for part in found.parts):
        what = f"whether {config.encoder} is as it was exported cannot be said: an earlier version kept no sums"
        yield Finding("encoder", "warning", what, f"kb encoder export {quote(config.encoder)}", "export")
    elif changed := changed_files(found.parts, only_touched=False):
        yield damaged(config, changed, FIX)
        return  # what it makes says nothing of vectors
    else:
        yield Finding("encoder", "ok", f"{config.encoder} is as it was exported, to the byte")
    yield from vectors(config, reader, found, progress)


def vectors(config: Config, reader: Reader, encoder: ExportedEncoder, progress: Progress) -> Iterator[Finding]:
    """Compare vectors with what the encoder makes, and the FAISS file with the vectors."""
    try:
        count = other_vectors(config, reader, encoder, progress)
    except EncoderMissing:  # an ordinary examination tells it
        return
    if count:
        what = f"{count} vectors at least are not what {config.encoder} makes of their texts"
        yield Finding("vectors", "broken", what, FIX, "encode")
    else:
        yield Finding("vectors", "ok", f"vectors are those that {config.encoder} makes")

    def tell(done: int, total: int) -> None:
        progress("comparing the FAISS file", done, total)

    held = reader.view.vectors
    if count := nearest.misplaced(config.index, held, encoder.fingerprint, encoder.dimension, tell):
        yield Finding("vectors", "broken", f"{count} vectors lie otherwise in the FAISS file", FIX, "nearest")


RULES = (notes, encoder)
