from hypothesis import given
from hypothesis import strategies as st

from litebert.tasks.features import Tally, encode_texts, fitted_length
from litebert.tasks.task import Example
from litebert.text.tokenizer import Tokenizer
from small_models import small_tokenizer

words = st.lists(st.sampled_from(["the", "old", "house", "x"]), max_size=12).map(" ".join)


@given(st.lists(st.tuples(words, st.none() | words), max_size=20), st.integers(3, 20))
def test_every_row_is_encoded_as_the_tokenizer_would_alone(
    texts: list[tuple[str, str | None]], max_length: int
):
    tokenizer, tally = small_tokenizer(), Tally()
    encoded = list(encode_texts(texts, tokenizer, max_length, tally))
    single = [(a, b if b and b.strip() else None) for a, b in texts]
    expected = [tokenizer.pair(a, b, max_length) for a, b in single]
    assert [list(s.ids) for s in encoded] == [e.ids for e in expected]
    assert [list(s.segment_ids) for s in encoded] == [e.segment_ids for e in expected]
    assert tally.rows == len(texts)
    assert tally.cut == sum(e.cut > 0 for e in expected)
    assert tally.empty == sum(not (a.strip() or (b or "").strip()) for a, b in texts)


def test_many_texts_are_read_a_few_hundred_ahead(tokenizer: Tokenizer):
    read: list[int] = []

    def texts():
        for index in range(10_000):
            read.append(index)
            yield "the house", None

    next(encode_texts(texts(), tokenizer, 16))
    assert len(read) < 1000


def test_texts_become_sequences_that_are_cut_and_counted(tokenizer: Tokenizer):
    rows = [Example("the house", None, "b"), Example("a day " * 30, "old", "a")]
    tally = Tally()
    texts = ((row.text, row.pair) for row in rows)
    sequences = list(encode_texts(texts, tokenizer, 16, tally))
    assert len(sequences) == 2
    assert len(sequences[1]) == 16
    assert tally == Tally(rows=2, cut=1)


def test_remarks_say_how_many_were_cut_or_empty():
    assert Tally(rows=200).remarks(128) == []
    assert Tally(200, cut=17).remarks(128) == ["17 of 200 texts were cut to 128 tokens"]
    assert Tally(1200, cut=1, empty=2).remarks(64) == [
        "1 of 1,200 texts was cut to 64 tokens",
        "2 of 1,200 texts were empty, of which nothing can be said",
    ]


def test_the_fitted_length_has_room_and_stays_within_the_model(tokenizer: Tokenizer):
    def fitted(text: str, pair: str | None, limit: int) -> int:
        return fitted_length(
            [Example("the", None, "a"), Example(text, pair, "a")], tokenizer, limit
        )

    assert fitted("a day", None, 512) == 64
    assert fitted("a " * 62, None, 512) == 64  # with [CLS] and [SEP]
    assert fitted("a " * 63, None, 512) == 96
    assert fitted("a " * 40, "day " * 21, 512) == 64  # with a second [SEP]
    assert fitted("a " * 40, "day " * 22, 512) == 96
    assert fitted("a " * 600, None, 512) == 512
    assert fitted("a day", None, 32) == 32
