"""Which tags Qwen-Audio's released tokenizer knows, and the number each of them has.

Source: tokenization_qwen.py of github.com/QwenLM/Qwen-Audio, whose names and order are listed here; what the tags are
    for: Qwen-Audio, section 3.2 (arXiv:2311.07919).
Left out: building and parsing a whole tag sequence.
Oracle: the released configuration, whose audio_start_id 155163 tag_id("<audio>") has to meet.
"""

import argparse
import difflib
from typing import Any

TEXT_WORDS = 151_643  # byte pairs of the text vocabulary, numbered first
TEXT_SPECIALS = 3 + 205  # end of text, the two of ChatML, and reserved ones
LANGUAGES = ("en", "zh", "de", "es", "ko", "fr", "ja", "it")
TIME_STAMPS = tuple(f"{hundredth / 100:.2f}" for hundredth in range(3001))  # 0.00 to 30.00 s
TAGS = (
    *("startoftranscript", "startofanalysis", "translate", "transcribe", "caption", "keyword", "unknown"),
    *LANGUAGES,
    *("zh_tr", "notimestamps", "sil", "timestamps"),
    *TIME_STAMPS,
    *("caption_audiocaps", "caption_clotho", "audioset_ontology", "caption_plain", "itn", "wo_itn"),
    *("startofentityvalue", "endofentityvalue", "startofentitytype", "endofentitytype", "named_entity_recognition"),
    *("audio_grounding", "startofword", "endofword", "delim", "emotion_recognition", "music_description"),
    *("note_analysis", "pitch", *(f"midi_pitch_{pitch}" for pitch in range(128))),
    *("velocity", *(f"midi_velocity_{velocity}" for velocity in range(128))),
    *("sonic", "instrument", "speaker_meta", "song_meta", "question", "answer", "choice", "scene", "event"),
    *("vocal_classification", "speech_understanding", "scenario", "action", "entities", "speech_edit"),
)
SPECIALS = ("[[[AUDIO:modality]]]", *(f"<|{tag}|>" for tag in TAGS), "<audio>", "</audio>")


def unknown_tags(tags: list[str]) -> list[str]:
    """Return the tags, without their <| and |>, that are no special token of the tokenizer, in the order given."""
    known = set(TAGS)
    return [tag for tag in tags if tag not in known]


def tag_id(token: str) -> int:
    """Return the number of a special token, written as the model reads it: "<audio>" -> 155163.

    Raises: ValueError if there is no such token.
    """
    if token not in SPECIALS:
        raise ValueError(f"no special token {token!r}")
    return TEXT_WORDS + TEXT_SPECIALS + SPECIALS.index(token)


def special_tokens() -> int:
    """Return how many special tokens audio has: 3,314."""
    return len(SPECIALS)


def languages() -> int:
    """Return how many languages have a tag of their own: 8."""
    return len(LANGUAGES)


def time_stamps() -> int:
    """Return how many time stamps there are: 3,001, every 10 ms."""
    return len(TIME_STAMPS)


FIGURES = (unknown_tags, tag_id, special_tokens, languages, time_stamps)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    tags: tuple[str, ...] = ("startoftranscript", "startoftranscripts", "zh", "transcribe", "question-answer"),
) -> dict[str, Any]:
    """Look tags up: their number, or the tags that are written most like them.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        tags: without <| and |>.
    """
    unknown = unknown_tags(list(tags))
    rows = [
        {
            "tag": f"<|{tag}|>",
            "id": None if tag in unknown else tag_id(f"<|{tag}|>"),
            "close_to": ", ".join(difflib.get_close_matches(tag, TAGS)) if tag in unknown else "",
        }
        for tag in tags
    ]
    return {"rows": rows, "remarks": [f"{len(unknown)} of {len(tags)} tags are no special token."]}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds; device is not used."""
    return [
        ("The audio start has the id of the released configuration.", tag_id("<audio>") == 155_163),
        ("No special token stands twice.", len(set(SPECIALS)) == len(SPECIALS) == special_tokens()),
        ("Every language has a tag.", not unknown_tags(list(LANGUAGES))),
        (
            "Three tags of the paper are no tokens.",
            len(unknown_tags(["startoftranscripts", "analysis", "question-answer"])) == 3,
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what the file promises."""
    parser = argparse.ArgumentParser(description="Look up tags of Qwen-Audio.")
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        for promise, holds in checks():
            print("ok    " if holds else "FAILED", promise)
        return
    rows = demo()["rows"]
    for cells in [list(rows[0]), *(row.values() for row in rows)]:
        print(*cells, sep="\t")


if __name__ == "__main__":
    main()
