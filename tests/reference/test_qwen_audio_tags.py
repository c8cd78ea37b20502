"""The tags of Qwen-Audio against the released tokenizer's list and the id its configuration gives."""

import hashlib
import inspect
import json
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import qwen_audio_tags as tags

# SHA-256 of the audio special tokens of tokenization_qwen.py (QwenLM/Qwen-Audio, commit 0b0e882), one a line.
RELEASED_LIST = "da6f6761b3526256aad690e49a221a0e107944b94307e0ad800e258e9407fb42"


def test_there_are_the_special_tokens_of_the_released_tokenizer_in_its_order():
    assert hashlib.sha256("\n".join(tags.SPECIALS).encode()).hexdigest() == RELEASED_LIST


def test_there_are_3314_special_tokens_of_which_8_are_languages_and_3001_time_stamps():
    assert tags.special_tokens() == 3314
    assert tags.languages() == 8
    assert tags.time_stamps() == 3001


@pytest.mark.parametrize(
    ("token", "number"),
    [
        ("[[[AUDIO:modality]]]", 151_851),  # after 151,643 byte pairs, 3 special tokens and 205 reserved ones
        ("<|startoftranscript|>", 151_852),
        ("<|en|>", 151_859),
        ("<|it|>", 151_866),
        ("<|0.00|>", 151_871),
        ("<|30.00|>", 154_871),
        ("<|midi_pitch_127|>", 155_018),
        ("<|question|>", 155_152),
        ("<|speech_edit|>", 155_162),
        ("<audio>", 155_163),  # audio_start_id of the released config.json
        ("</audio>", 155_164),
    ],
)
def test_a_token_has_the_number_the_released_tokenizer_gives_it(token, number):
    assert tags.tag_id(token) == number


def test_numbers_are_unique_and_follow_one_another_within_the_vocabulary():
    numbers = [tags.tag_id(token) for token in tags.SPECIALS]

    assert numbers == list(range(151_851, 155_165))
    assert max(numbers) < 155_947  # vocab_size of the released config.json


@pytest.mark.parametrize("token", ["<|startoftranscripts|>", "startoftranscript", "", "<|30.01|>", "<|endoftext|>"])
def test_a_token_that_is_none_is_an_error_that_names_it(token):
    with pytest.raises(ValueError, match="no special token") as error:
        tags.tag_id(token)

    assert repr(token) in str(error.value)


def test_unknown_tags_come_in_the_order_given_and_as_often():
    asked = ["question-answer", "zh", "analysis", "transcribe", "startoftranscripts", "analysis", "30.01", "30.00"]

    unknown = tags.unknown_tags(asked)

    assert unknown == ["question-answer", "analysis", "startoftranscripts", "analysis", "30.01"]


def test_the_tags_of_the_readme_are_known_but_for_the_first():
    readme = ["startoftranscription", "en", "transcribe", "notimestamps", "wo_itn"]

    assert tags.unknown_tags(readme) == ["startoftranscription"]
    assert tags.unknown_tags([]) == []


def test_time_stamps_go_from_0_to_30_seconds_by_10_milliseconds():
    stamps = [f"{second}.{tenth}{hundredth}" for second in range(30) for tenth in range(10) for hundredth in range(10)]

    assert [*stamps, "30.00"] == list(tags.TIME_STAMPS)
    assert tags.unknown_tags([*stamps, "30.00"]) == []


def test_figures_lists_every_public_function_once_with_plain_parameters():
    own = [
        name
        for name, function in inspect.getmembers(tags, inspect.isfunction)
        if function.__module__ == tags.__name__ and not name.startswith("_") and name not in ("demo", "checks", "main")
    ]

    assert sorted(function.__name__ for function in tags.FIGURES) == sorted(own)
    for function in tags.FIGURES:
        hints = get_type_hints(function)
        assert hints.pop("return") in (int, list[str])
        assert set(hints) == set(inspect.signature(function).parameters)
        assert all(hint in (str, list[str]) for hint in hints.values())


# The prompts of eval_audio/ in the released repository, with a path, languages and a question filled in.
EVALUATION = [
    "<audio>a.wav</audio><|startoftranscript|><|en|><|transcribe|><|en|><|notimestamps|><|wo_itn|>",
    "<audio>a.wav</audio><|startoftranscript|><|zh|><|transcribe|><|zh|><|timestamps|><|0.00|>",
    "<audio>a.wav</audio><|startoftranscript|><|en|><|translate|><|zh|><|notimestamps|><|itn|>",
    "<audio>a.wav</audio><|startofanalysis|><|unknown|><|caption|><|en|><|notimestamps|><|caption_clotho|>",
    "<audio>a.wav</audio><|startofanalysis|><|unknown|><|keyword|><|en|><|notimestamps|><|scene|>",
    "<audio>a.wav</audio><|startofanalysis|><|en|><|keyword|><|en|><|notimestamps|><|emotion_recognition|>",
    "<audio>a.wav</audio><|startofanalysis|><|en|><|keyword|><|en|><|notimestamps|><|vocal_classification|>",
    "<audio>a.wav</audio><|startofanalysis|><|unknown|><|keyword|><|en|><|notimestamps|><|note_analysis|>",
    "<audio>a.wav</audio><|startofanalysis|><|en|><|question|>Is it raining?<|answer|>",
]


@pytest.mark.parametrize("prompt", EVALUATION)
def test_the_prompts_of_the_released_evaluation_have_no_problem_and_are_built_letter_by_letter(prompt):
    assert tags.problems(prompt) == []
    assert tags.Prompt.parse(prompt).build() == prompt


def test_a_prompt_is_read_tag_by_tag():
    prompt = "<audio>s.wav</audio><|startoftranscript|><|de|><|translate|><|en|><|timestamps|><|itn|><|0.00|>Good"

    read = tags.Prompt.parse(prompt)

    assert read == ("s.wav", "translate", "de", "en", True, ("itn",), "<|0.00|>Good")
    assert tags.Prompt.parse(EVALUATION[8]) == ("a.wav", "question", "en", "en", False, (), "Is it raining?")


@pytest.mark.parametrize(
    ("prompt", "problems"),
    [
        (
            "<audio>a</audio><|startoftranscription|><|en|><|transcribe|><|en|><|notimestamps|><|wo_itn|>",  # README
            ["tag 1 should be the start, got <|startoftranscription|>, which is no special token (but "],
        ),
        (
            "<|startoftranscript|><|en|><|transcribe|><|en|><|notimestamps|>",
            ["it should begin with <audio>path</audio>"],
        ),
        (
            "<audio>a</audio><|startofanalysis|><|en|><|transcribe|><|en|><|notimestamps|>",
            ["<|transcribe|> does not go with <|startofanalysis|>"],
        ),
        (
            "<audio>a</audio><|startoftranscript|><|en|><|question|>Who?<|answer|>",
            ["<|question|> does not go with <|startoftranscript|>"],
        ),
        (
            "<audio>a</audio><|startoftranscript|><|transcribe|><|en|><|notimestamps|>",
            [
                "tag 2 should be the audio language, got <|transcribe|>",
                "tag 3 should be the task, got <|en|>",
                "tag 4 should be the text language, got <|notimestamps|>",
                "tag 5, the time stamps or none, is missing",
            ],
        ),
        (
            "<audio>a</audio><|startofanalysis|><|unknown|><|caption|><|unknown|><|notimestamps|>",
            ["tag 4 should be the text language, got <|unknown|>"],
        ),
        (
            "<audio>a</audio><|startofanalysis|><|en|><|keyword|><|en|><|notimestamps|><|en|><|emotions|>",
            ["<|en|> cannot stand among the instructions", "<|emotions|>, which is no special token"],
        ),
        ("<audio>a</audio><|startofanalysis|><|en|><|question|>Who?", ["a question should end with <|answer|>"]),
        (
            "<audio>a</audio><|startofanalysis|><|en|><|question|><|en|><|notimestamps|>Who?<|answer|>",
            ["<|en|> cannot stand among", "<|notimestamps|> cannot stand among"],
        ),
        (
            "<audio>a</audio><|startoftranscript|><|en|><|transcribe|><|en|><|timestamps|><|29.99|>so<|30.01|>",
            ["<|30.01|>, which is no special token"],
        ),
        ("<audio>a</audio>", [f"tag {place}, the" for place in range(1, 6)]),
    ],
)
def test_every_problem_of_a_prompt_is_named_from_front_to_back(prompt, problems):
    found = tags.problems(prompt)

    assert len(found) == len(problems)
    assert all(one.startswith(beginning) for one, beginning in zip(found, problems, strict=True))
    with pytest.raises(ValueError, match=r"should|does not|missing|cannot|stands"):
        tags.Prompt.parse(prompt)


def test_a_prompt_that_would_be_read_as_another_is_not_built():
    with pytest.raises(ValueError, match="would be read as"):
        tags.Prompt("a.wav", text="<|itn|>hello").build()
    with pytest.raises(ValueError, match="would be read as"):
        tags.Prompt("a.wav", "question", instructions=("scene",), text="Where?").build()
    with pytest.raises(ValueError, match=r"tag 3 should be the task, got <\|analysis\|>, which is no special token"):
        tags.Prompt("a.wav", "analysis").build()


@settings(max_examples=100)
@given(
    task=st.sampled_from(["transcribe", "translate", "caption", "keyword"]),
    audio_language=st.sampled_from([*tags.LANGUAGES, "unknown"]),
    text_language=st.sampled_from(tags.LANGUAGES),
    timestamps=st.booleans(),
    instructions=st.lists(st.sampled_from(["itn", "wo_itn", "scene", "pitch", "delim"]), max_size=3),
    text=st.text(st.characters(blacklist_characters="<"), max_size=20),
)
def test_what_is_built_is_read_back(task, audio_language, text_language, timestamps, instructions, text):
    prompt = tags.Prompt("a b.wav", task, audio_language, text_language, timestamps, tuple(instructions), text)

    assert tags.Prompt.parse(prompt.build()) == prompt


def test_the_demo_tells_numbers_and_what_unknown_tags_are_close_to():
    shown = tags.demo(tags=("zh", "startoftranscripts", "xyzzy"))

    assert json.loads(json.dumps(shown)) == shown
    known, misspelt, foreign = shown["rows"]
    assert known == {"tag": "<|zh|>", "id": 151_860, "close_to": ""}
    assert misspelt["id"] is None
    assert misspelt["close_to"].split(", ")[0] == "startoftranscript"
    assert foreign == {"tag": "<|xyzzy|>", "id": None, "close_to": ""}
    assert shown["remarks"] == ["2 of 3 tags are no special token."]
