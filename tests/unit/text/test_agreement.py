"""What is said about tokenizer.json is what a comparison finds."""

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.agreement import (
    COMMA,
    MARKS,
    OTHER,
    SPELLED,
    TIE,
    YOUNG,
    compare_with_fast,
    fast_exceptions,
    reason_of,
)
from wordpieces import FOREIGN


@pytest.mark.parametrize("name", ["tokenizer", "wordpiece", "cased_wordpiece"])
def test_texts_agree_but_for_spelled_out_pieces(name, english, request):
    tokenizer = request.getfixturevalue(name)
    texts = [*english[:300], *FOREIGN, "a [MASK] here", "\ud800"]
    found = compare_with_fast(tokenizer, texts)
    assert found.texts == len(texts)
    assert found.reasons == {SPELLED: 1}
    assert found.differences[0].text == "a [MASK] here"
    assert found.differences[0].ours == tokenizer.encode("a [MASK] here")
    assert str(found) == f"1 of {len(texts)} texts differ: 1 where {SPELLED}"
    assert str(compare_with_fast(tokenizer, ["a"])) == "0 of 1 texts differ"


def test_a_folder_is_compared_with_the_file_in_it(tokenizer, wordpiece, tmp_path):
    tokenizer.save(tmp_path)
    assert not compare_with_fast(tmp_path, FOREIGN).differences
    (tmp_path / "tokenizer.json").write_text(wordpiece.fast_file(), "utf-8")
    assert compare_with_fast(tmp_path, FOREIGN).differences
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(VocabularyError, match="refused by the tokenizers library"):
        compare_with_fast(tmp_path, FOREIGN)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(VocabularyError, match=r"tokenizer\.json is missing"):
        compare_with_fast(tmp_path, FOREIGN)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a <pad>", SPELLED),
        ("a \U000e0fff", YOUNG),
        ("31,4", COMMA),
        ("ab", TIE),
    ],
)
def test_reasons_are_told_apart(tokenizer, text, reason):
    assert reason_of(tokenizer, text, [20, 30], [30, 20]) == reason


def test_reasons_depend_on_the_tokenizer(faithful_tokenizer, wordpiece):
    assert reason_of(faithful_tokenizer, "e\u0301\u0323", [20], [21]) == MARKS
    assert reason_of(faithful_tokenizer, "e", [20], [21]) == OTHER
    assert reason_of(wordpiece, "31,4", [20], [21]) == OTHER


def test_the_readme_says_what_differs(tokenizer, faithful_tokenizer, wordpiece):
    assert "1 of 3,736 texts in 12 languages" in fast_exceptions(tokenizer)
    assert "marks stacked on a letter" not in fast_exceptions(tokenizer)
    assert "marks stacked on a letter" in fast_exceptions(faithful_tokenizer)
    assert "[MASK]" in fast_exceptions(wordpiece)
    assert "AlbertTokenizer" not in fast_exceptions(wordpiece)
