"""Bring the whole index up to date: the words of the notes, and what they mean where an encoder is set up."""

from contextlib import closing
from typing import NamedTuple

from kb.config.kb_toml import NO_ENCODER, Config
from kb.errors import EncoderMissing, IndexBusy
from kb.index import meaning, translation, words
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.paired import ExportedEncoder, open_encoder
from kb.index.folder import prepare
from kb.index.sqlite.reader import Reader
from kb.notes.folders import Changes
from kb.progress import Progress

ENCODED_ON_THE_WAY = 64  # passages that a search encodes itself; more are left to `kb index`
WAIT_ON_THE_WAY_SECONDS = 1.0


class Refreshed(NamedTuple):
    """What was done, and what a person should know of it."""

    report: words.Report
    encoded: int  # texts
    notices: tuple[str, ...]


def bring_in(config: Config, changes: Changes, progress: Progress) -> tuple[str, ...]:
    """Bring changes in on the way to something else and return what a person should know, a line each.

    What takes long is left to bring_all, and while another process writes the index stays as it was.
    Raises: IndexBusy if there is no index yet and none can be written.
    """
    try:
        report = words.refresh(config, changes, progress, WAIT_ON_THE_WAY_SECONDS)
    except IndexBusy as error:
        if not config.database.is_file():
            raise
        if words.are_as_read(config, changes):
            return ()
        return (f"showing the index as it was: {error}",)
    notices = [f"not indexed: {failure}" for failure in report.failures]
    notices += report.missing[len(changes.missing) :]  # the others have been told
    encoder = None if config.encoder == NO_ENCODER else open_encoder(config.index, config.encoder)
    try:
        if encoder and not meaning.encode_few(config, encoder, ENCODED_ON_THE_WAY, WAIT_ON_THE_WAY_SECONDS):
            notices.append("many passages have no embedding yet; run: kb index")
    except EncoderMissing as error:
        notices.append(f"searching by words only: {error}")
    except IndexBusy as error:
        notices.append(f"some passages have no embedding yet: {error}")
    return tuple(notices)


def bring_all(config: Config, changes: Changes | None, progress: Progress) -> Refreshed:
    """Bring changes in, or read every note again if they are None; set the encoder up and encode every passage."""
    if translation.is_damaged(config.index):  # all of it, which a search would read word by word
        translation.gloss_path(config.index).unlink()
    report = words.refresh(config, changes, progress) if changes is not None else words.rebuild(config, progress)
    notices = (*report.missing, *(f"error: {failure}" for failure in report.failures))
    encoded = 0
    if config.encoder != NO_ENCODER:
        try:
            encoded = meaning.encode_missing(config, _encoder(config, progress), progress)
        except EncoderMissing as error:
            notices = (f"indexed for words only: {error}", *notices)
    with closing(Reader(config.database)) as reader:  # a search looks at the notes alone that it takes in
        prepare(config, reader.files.paths())
    return Refreshed(report, encoded, notices)


def _encoder(config: Config, progress: Progress) -> ExportedEncoder:
    if encoder := open_encoder(config.index, config.encoder):
        return encoder
    progress("preparing the encoder, once", 0, 1)
    try:
        return export_encoder(config.root, config.index, config.encoder)
    except OSError as error:
        raise EncoderMissing(f"the encoder cannot be set up: {error}", "see to disk and permissions") from None
