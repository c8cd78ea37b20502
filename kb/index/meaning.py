"""Give every passage its vector: what an encoder can read of it, encoded once and kept by the hash of that text."""

import hashlib
from contextlib import closing
from itertools import islice

from kb.config.kb_toml import Config
from kb.index.encoders import Encoder
from kb.index.sqlite import nearest
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.writer import WAIT_SECONDS, Writer
from kb.index.translation import open_gloss
from kb.progress import Progress

TEXTS_AT_ONCE = 32


def encode_few(config: Config, encoder: Encoder, most: int, wait_seconds: float = WAIT_SECONDS) -> bool:
    """Encode the passages that have no vector yet if they are at most `most`; return whether none is left.

    Raises: IndexBusy if the index cannot be written within wait_seconds.
    """
    with closing(Reader(config.database)) as reader:
        pending = len(list(islice(reader.passages.to_encode(encoder.fingerprint), most + 1)))
    if pending > most:
        return False
    _encode(config, encoder, None, wait_seconds)
    return True


def encode_missing(config: Config, encoder: Encoder, progress: Progress | None = None) -> int:
    """Encode the passages that have no vector yet, tidy up, and return how many texts that took.

    Each batch is kept as soon as it is done, so that an interrupted run goes on where it stopped.
    """

    def tell_indexed(done: int, total: int) -> None:
        if progress:
            progress("indexing vectors", done, total)

    encoded = _encode(config, encoder, progress)
    with closing(Writer(config.database)) as writer, writer.transaction():
        writer.engine.remove_unused_vectors()
    with closing(Reader(config.database)) as reader:
        nearest.refresh(config.index, reader.view.vectors, encoder.fingerprint, encoder.dimension, tell_indexed)
    return encoded


def _encode(config: Config, encoder: Encoder, progress: Progress | None, wait_seconds: float = WAIT_SECONDS) -> int:
    """Encode the passages that have no vector yet and return how many texts that took."""
    gloss = open_gloss(config.index)
    pending: dict[str, str] = {}  # text by its hash
    standing: dict[str, list[int]] = {}  # passages by the hash of what is encoded of them
    with closing(Reader(config.database)) as reader:
        for passage, title, text in reader.passages.to_encode(encoder.fingerprint):
            encodable = encoder.passage_text(f"{title}\n{text}", gloss)
            text_hash = hashlib.sha256(encodable.encode()).hexdigest() if encodable else ""
            standing.setdefault(text_hash, []).append(passage)
            if encodable:
                pending[text_hash] = encodable
        if not standing:
            return 0
        with closing(Writer(config.database, wait_seconds)) as writer:
            with writer.transaction():
                with closing(Reader(config.database)) as now:  # vectors that are there while nobody else can write
                    for text_hash in now.view.encoded(encoder.fingerprint, pending):
                        del pending[text_hash]
                done = ((passage, key) for key in standing if key not in pending for passage in standing[key])
                writer.engine.put_passage_texts(encoder.fingerprint, done)
            texts = sorted(pending.items(), key=lambda item: len(item[1]))
            for start in range(0, len(texts), TEXTS_AT_ONCE):
                batch = texts[start : start + TEXTS_AT_ONCE]
                encoded = encoder.encode_passages([text for _, text in batch])
                hashes = [text_hash for text_hash, _ in batch]
                made = zip(hashes, (vector.tobytes() for vector in encoded), strict=True)
                with writer.transaction():
                    standing_now = ((passage, key) for key in hashes for passage in standing[key])
                    writer.engine.put_passage_texts(encoder.fingerprint, standing_now)
                    writer.engine.put_vectors(encoder.fingerprint, made)
                if progress:
                    progress("encoding passages", start + len(batch), len(texts))
    return len(texts)
