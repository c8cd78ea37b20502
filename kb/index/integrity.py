"""Whether what the index holds is still what was made: notes are read again, vectors are made again."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress

from kb.config.kb_toml import GLOSSARY_NAME, Config
from kb.errors import NoteError
from kb.index.encoders import Encoder
from kb.index.meaning import TEXTS_AT_ONCE
from kb.index.readings import holds_what_was_read
from kb.index.sqlite import nearest
from kb.index.sqlite.reader import Reader
from kb.index.translation import open_gloss
from kb.notes.folders import find_changes
from kb.progress import Progress

SAMPLE = 64  # vectors that are made again: of all, and of the newest, which a damaged encoder would have made
SAME_DIRECTION = 0.999  # cosine from which on two vectors of a text count as one; batches change the last digits


def other_notes(config: Config, reader: Reader, progress: Progress) -> list[str]:
    """Return the files whose bytes are not those that were indexed, though time and size say so."""
    changed = find_changes(config, reader.files.stamps()).changed
    states = reader.files.states()
    found = []
    for done, state in enumerate(states.values(), 1):
        if state.state == "indexed" and state.path not in changed and state.path != GLOSSARY_NAME:
            with suppress(NoteError):  # an ordinary examination tells it
                if not holds_what_was_read(config, state):
                    found.append(state.path)
        progress("reading the notes again", done, len(states))
    return found


def other_vectors(config: Config, reader: Reader, encoder: Encoder, progress: Progress) -> int:
    """Return how many vectors cannot be the encoder's: all are measured, and some are made again.

    Raises: EncoderMissing if it does not encode.
    """

    def tell(done: int, total: int) -> None:
        progress("measuring vectors", done, total)

    keys, bad = nearest.unit_vectors(reader.view.vectors, encoder.fingerprint, encoder.dimension, tell)
    sample = {*keys[:: max(1, len(keys) // SAMPLE)], *keys[-SAMPLE:]}
    return max(bad, _made_otherwise(config, reader, encoder, sample, progress))


def _made_otherwise(config: Config, reader: Reader, encoder: Encoder, keys: Iterable[int], progress: Progress) -> int:
    """Return how many vectors are not what the encoder makes of their texts now."""
    import numpy

    gloss = open_gloss(config.index)
    texts, held = [], []
    for text_hash, vector, title, text in reader.passages.encoded(encoder.fingerprint, keys):
        readable = encoder.passage_text(f"{title}\n{text}", gloss)
        if hashlib.sha256(readable.encode()).hexdigest() == text_hash:  # else it is another text that is encoded next
            texts.append(readable)
            held.append(numpy.frombuffer(vector, dtype="<f4"))
    found = 0
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        end = min(start + TEXTS_AT_ONCE, len(texts))
        cosines = (encoder.encode_passages(texts[start:end]) * numpy.stack(held[start:end])).sum(axis=1)
        found += int((~(cosines > SAME_DIRECTION)).sum())
        progress("encoding some passages again", end, len(texts))
    return found
