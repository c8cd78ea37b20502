"""The tags of Qwen-Audio against the released tokenizer's list and the id its configuration gives."""

import hashlib
import inspect
import json
import sys
from typing import get_type_hints

import pytest

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


def test_the_demo_tells_numbers_and_what_unknown_tags_are_close_to():
    shown = tags.demo(tags=("zh", "startoftranscripts", "xyzzy"))

    assert json.loads(json.dumps(shown)) == shown
    known, misspelt, foreign = shown["rows"]
    assert known == {"tag": "<|zh|>", "id": 151_860, "close_to": ""}
    assert misspelt["id"] is None
    assert misspelt["close_to"].split(", ")[0] == "startoftranscript"
    assert foreign == {"tag": "<|xyzzy|>", "id": None, "close_to": ""}
    assert shown["remarks"] == ["2 of 3 tags are no special token."]


def test_main_prints_a_line_a_tag(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["qwen_audio_tags"])

    tags.main()

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["<|startoftranscript|>", "151852"],
        ["<|startoftranscripts|>", "-"],
        ["<|zh|>", "151860"],
        ["<|transcribe|>", "151855"],
        ["<|question-answer|>", "-"],
    ]
