"""Sentence splitting."""

import pytest

from litebert.foundation.errors import ConfigError
from litebert.text.sentences import split_sentences


def test_abbreviations_do_not_end_a_sentence():
    text = "Mr. Smith came at 5 p.m. yesterday. He left.  “Why?” she asked."
    assert split_sentences(text)[0].startswith("Mr. Smith came")
    assert split_sentences(text)[-2:] == ["He left.", "“Why?” she asked."]


def test_other_languages_have_rules_of_their_own():
    assert split_sentences("你好。我是谁？好", "zh") == ["你好。", "我是谁？", "好"]
    assert split_sentences("Das ist z. B. gut. Ja.", "de") == ["Das ist z. B. gut.", "Ja."]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_no_text_has_no_sentences(text):
    assert split_sentences(text) == []


def test_a_lone_surrogate_does_not_stop_it():
    assert split_sentences("A \ud800. B.") == ["A \ufffd.", "B."]


@pytest.mark.parametrize("language", ["english", "", "EN", "e"])
def test_what_is_no_language_code_is_refused(language):
    with pytest.raises(ConfigError, match="not a language code"):
        split_sentences("A. B.", language)
