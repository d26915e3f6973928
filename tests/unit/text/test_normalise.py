"""Normalisation: the original's four steps, and the way back to the text."""

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.text.normalise import (
    _SUSPECT,
    Normalisation,
    normalise,
    normalise_aligned,
)

ORIGINAL = Normalisation()
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
SETTINGS = st.builds(Normalisation, lower_case=st.booleans(), keep_accents=st.booleans())
STEADY = settings(max_examples=200, deadline=None, database=None)


def preprocess(text: str) -> str:
    """The four steps as they are described, one after the other."""
    text = unicodedata.normalize("NFKD", " ".join(text.strip().split()))
    return "".join(letter for letter in text if not unicodedata.combining(letter)).lower()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Two\t words\u2003here \n", "two words here"),
        ("Résumé Ångström", "resume angstrom"),
        ("ﬁ ½ ㎏", "fi 1⁄2 kg"),
        ("“quotes” `` ''", "“quotes” `` ''"),
        ("ΣΊΣΥΦΟΣ İ", "σισυφος i"),
        ("", ""),
    ],
)
def test_text_is_normalised_as_the_original_does(text, expected):
    assert normalise(text, ORIGINAL) == expected


def test_case_and_accents_can_be_kept():
    assert normalise(" Résumé  ½", Normalisation(keep_accents=True)) == "résumé ½"
    assert normalise("Résumé", Normalisation(lower_case=False)) == "Resume"


@STEADY
@given(ANY_TEXT)
def test_every_text_without_surrogates_equals_the_described_steps(text):
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cs")
    assert normalise(text, ORIGINAL) == preprocess(text)


@STEADY
@given(ANY_TEXT, SETTINGS)
def test_the_result_can_always_be_encoded(text, how):
    normalise(text, how).encode()


@STEADY
@given(ANY_TEXT, SETTINGS)
def test_the_aligned_text_is_the_same_and_its_spans_lie_in_order(text, how):
    aligned = normalise_aligned(text, how)
    assert aligned.text == normalise(text, how)
    assert len(aligned.starts) == len(aligned.ends) == len(aligned.text)
    assert aligned.starts == sorted(aligned.starts)
    assert aligned.ends == sorted(aligned.ends)
    spans = zip(aligned.starts, aligned.ends, strict=True)
    assert all(0 <= start < end <= len(text) for start, end in spans)


def test_a_dropped_accent_belongs_to_the_letter_before_it():
    aligned = normalise_aligned("e\u0301a", ORIGINAL)
    assert (aligned.text, aligned.starts, aligned.ends) == ("ea", [0, 2], [2, 3])


def test_the_quick_search_misses_no_character_with_a_combining_class():
    marks = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.combining(chr(c))]
    assert all(_SUSPECT.search(mark) for mark in marks)
    assert _SUSPECT.search("\ud800")
