"""The tags of Qwen-Audio: their numbers in the released tokenizer, and the sequence in which they make a prompt.

Long because the vocabulary, the sequence and the released prompts are all listed.
Source: tokenization_qwen.py of github.com/QwenLM/Qwen-Audio, whose names and order are listed here; what the tags are
    for, and their sequence: Qwen-Audio, section 3.2 (arXiv:2311.07919).
Left out: turning text into tokens, the audio itself, ChatML dialogues.
Oracle: the released configuration, whose audio_start_id 155163 tag_id("<audio>") has to meet; and the nine prompts
    of the released evaluation, which have to parse without a problem and to be built again letter by letter.
Grammar: <audio>..</audio> start, audio language, task, then text language, time stamps or none, instructions, text;
    only a question is followed at once by its text and <|answer|>, as the released evaluation has it.
"""

import difflib
import re
from typing import Any, NamedTuple

from kb.reference._alone import run_alone

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
TRANSCRIPTS, ANALYSES = ("transcribe", "translate"), ("caption", "keyword", "question")  # tasks by how they start
STARTS, STAMPING = ("startoftranscript", "startofanalysis"), ("timestamps", "notimestamps")
SEQUENCE = (
    ("start", STARTS),
    ("audio language", (*LANGUAGES, "unknown")),
    ("task", TRANSCRIPTS + ANALYSES),
    ("text language", (*LANGUAGES, "zh_tr")),
    ("time stamps or none", STAMPING),
)
_TAG = re.compile(r"<\|(.*?)\|>")
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


class Prompt(NamedTuple):
    """What a prompt asks for; build and parse are each other's inverse."""

    audio: str  # a path or address
    task: str = "transcribe"
    audio_language: str = "en"  # "unknown" if nobody speaks
    text_language: str = "en"
    timestamps: bool = False
    instructions: tuple[str, ...] = ()  # tags of subtasks and formats: ("wo_itn",)
    text: str = ""  # a question, or the beginning of the answer, which may begin with a time stamp

    def build(self) -> str:
        """Return the prompt as the model reads it.

        Raises: ValueError with all that is wrong with it.
        Example: Prompt("a.wav", instructions=("wo_itn",)) -> "<audio>a.wav</audio><|startoftranscript|><|en|>
        <|transcribe|><|en|><|notimestamps|><|wo_itn|>", on one line.
        """
        start = STARTS[0] if self.task in TRANSCRIPTS else STARTS[1]
        tags = [start, self.audio_language, self.task]
        ending = f"{self.text}<|answer|>" if self.task == "question" else self.text
        if self.task != "question":
            tags += [self.text_language, STAMPING[0] if self.timestamps else STAMPING[1], *self.instructions]
        prompt = f"<audio>{self.audio}</audio>{''.join(f'<|{tag}|>' for tag in tags)}{ending}"
        read = Prompt.parse(prompt)
        if read != self:
            raise ValueError(f"this prompt would be read as {read}, not as {self}")
        return prompt

    @classmethod
    def parse(cls, prompt: str) -> "Prompt":
        """Return what a prompt asks for. Raises: ValueError with all that is wrong with it."""
        found = problems(prompt)
        if found:
            raise ValueError("; ".join(found))
        audio, tags, text = _split(prompt)
        if tags[2] == "question":
            return cls(audio, tags[2], tags[1], text=text.removesuffix("<|answer|>"))
        return cls(audio, tags[2], tags[1], tags[3], tags[4] == STAMPING[0], tuple(tags[5:]), text)


def problems(prompt: str) -> list[str]:
    """Return what is wrong with a prompt, from front to back; nothing if it is one that the grammar has.

    The tokenizer finds nothing wrong: what is no tag it takes for text.
    """
    audio, tags, text = _split(prompt)
    asks = tags[2:3] == ["question"]
    wanted = SEQUENCE[:3] if asks else SEQUENCE
    found = [] if audio else ["it should begin with <audio>path</audio>"]
    for place, (name, allowed) in enumerate(wanted):
        if place >= len(tags):
            found.append(f"tag {place + 1}, the {name}, is missing")
        elif tags[place] not in allowed:
            found.append(f"tag {place + 1} should be the {name}, got {_shown(tags[place])}")
    task = tags[2] if len(tags) > 2 else ""
    other = {**dict.fromkeys(TRANSCRIPTS, STARTS[1]), **dict.fromkeys(ANALYSES, STARTS[0])}.get(task)
    if tags[:1] == [other]:
        found.append(f"<|{task}|> does not go with <|{other}|>")
    for tag in tags[len(wanted) :]:
        if asks or tag not in TAGS or any(tag in allowed for _, allowed in SEQUENCE):
            found.append(f"{_shown(tag)} cannot stand among the instructions")
    found += [f"{_shown(tag)} stands in the text" for tag in unknown_tags(_TAG.findall(text))]
    if asks and not text.endswith("<|answer|>"):
        found.append("a question should end with <|answer|>")
    return found


def _shown(tag: str) -> str:
    if tag in TAGS:
        return f"<|{tag}|>"
    close = difflib.get_close_matches(tag, TAGS, 1)
    return f"<|{tag}|>, which is no special token" + (f" (but <|{close[0]}|> is)" if close else "")


def _split(prompt: str) -> tuple[str, list[str], str]:
    """Return the audio, the tags in front, and the text behind them; time stamps belong to the text."""
    begun = re.match(r"<audio>(.*?)</audio>", prompt)
    rest = prompt[begun.end() :] if begun else prompt
    text = re.sub(r"^(<\|(?!\d)[^|]*\|>)+", "", rest)
    return begun[1] if begun else "", _TAG.findall(rest.removesuffix(text)), text


FIGURES = (unknown_tags, tag_id, special_tokens, languages, time_stamps, problems)  # what claims may run

RELEASED = {  # the prompts of the released evaluation, for one language each
    "speech recognition": Prompt("a.wav", instructions=("wo_itn",)),
    "word time stamps": Prompt("a.wav", "transcribe", "zh", "zh", timestamps=True, text="<|0.00|>"),
    "translation": Prompt("a.wav", "translate", "en", "zh", instructions=("itn",)),
    "captions": Prompt("a.wav", "caption", "unknown", instructions=("caption_clotho",)),
    "scenes": Prompt("a.wav", "keyword", "unknown", instructions=("scene",)),
    "emotions": Prompt("a.wav", "keyword", instructions=("emotion_recognition",)),
    "vocal sounds": Prompt("a.wav", "keyword", instructions=("vocal_classification",)),
    "notes": Prompt("a.wav", "keyword", "unknown", instructions=("note_analysis",)),
    "questions": Prompt("a.wav", "question", text="Is it raining?"),
}
README = "<audio>a.wav</audio><|startoftranscription|><|en|><|transcribe|><|en|><|notimestamps|><|wo_itn|>"


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    tags: tuple[str, ...] = ("startoftranscript", "startoftranscripts", "zh", "transcribe", "question-answer"),
) -> dict[str, Any]:
    """Look tags up: their number, or the tags that are written most like them; write the released prompts.

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
    lines = [f"{name:<20}{prompt.build()}" for name, prompt in RELEASED.items()]
    drawing = "\n".join([*lines, f"{'the README':<20}{README}", *(f"{'':<20}! {one}" for one in problems(README))])
    return {"rows": rows, "drawing": drawing, "remarks": [f"{len(unknown)} of {len(tags)} tags are no special token."]}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds; device is not used."""
    return [
        ("The audio start has the id of the released configuration.", tag_id("<audio>") == 155_163),
        ("No special token stands twice.", len(set(SPECIALS)) == len(SPECIALS) == special_tokens()),
        ("Every language has a tag.", not unknown_tags(list(LANGUAGES))),
        ("What is built parses.", all(Prompt.parse(one.build()) == one for one in RELEASED.values())),
        ("The README's prompt has one problem, its start.", len(problems(README)) == 1),
        (
            "Three tags of the paper are no tokens.",
            len(unknown_tags(["startoftranscripts", "analysis", "question-answer"])) == 3,
        ),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Look up tags of Qwen-Audio.", demo, checks)


if __name__ == "__main__":
    main()
