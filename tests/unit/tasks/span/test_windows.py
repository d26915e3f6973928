from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.errors import ConfigError
from litebert.tasks.span.windows import (
    QuestionTokens,
    Target,
    make_windows,
    window_targets,
    windows_of,
)
from small_models import small_tokenizer

QUESTION = "the green river?"
CONTEXT = "the old house with a lovely garden. " * 6 + "A  warm morning,\nand the river."
TOKENIZER = small_tokenizer()


def windows(max_length: int = 24, doc_stride: int = 7, context: str = CONTEXT):
    return make_windows(QUESTION, context, TOKENIZER, max_length, doc_stride)


def answer(text: str, context: str = CONTEXT) -> tuple[int, int]:
    return context.rindex(text), context.rindex(text) + len(text)


def test_a_window_is_the_question_and_a_stretch_of_the_context():
    query, context = TOKENIZER.encode(QUESTION), TOKENIZER.encode(CONTEXT)
    for window in windows():
        size = len(window.spans)
        stretch = context[window.first : window.first + size]
        assert window.input_ids == [
            *(TOKENIZER.cls_id, *query, TOKENIZER.sep_id, *stretch, TOKENIZER.sep_id)
        ]
        assert window.offset == len(query) + 2
        assert window.segment_ids == [0] * window.offset + [1] * (size + 1)
        assert window.p_mask == [0] + [1] * (window.offset - 1) + [0] * size + [1]
        assert len(window.max_context) == len(window.input_ids) <= 24


def test_a_window_knows_the_characters_of_its_tokens():
    spans = TOKENIZER.encode_with_offsets(CONTEXT).spans
    for window in windows():
        assert window.spans == spans[window.first : window.first + len(window.spans)]


sizes = st.tuples(st.integers(1, 40), st.integers(0, 12), st.integers(1, 20))


@given(sizes)
def test_windows_follow_each_other_until_the_context_ends(drawn: tuple[int, int, int]):
    words, room, stride = drawn
    context = " ".join(["river"] * words)
    room += 1
    found = windows(len(TOKENIZER.encode(QUESTION)) + 3 + room, stride, context)
    tokens = len(TOKENIZER.encode(context))
    assert found[0].first == 0
    assert all(b.first - a.first == min(room, stride) for a, b in pairwise(found))
    assert all(len(window.spans) == room for window in found[:-1])
    assert found[-1].first + len(found[-1].spans) == tokens
    assert not any(window.first + len(window.spans) == tokens for window in found[:-1])


@given(sizes)
def test_each_token_has_one_window_with_most_context(drawn: tuple[int, int, int]):
    words, room, stride = drawn
    context = " ".join(["river"] * words)
    found = windows(len(TOKENIZER.encode(QUESTION)) + 4 + room, stride, context)
    for token in range(len(TOKENIZER.encode(context))):
        scores, marked = [], []
        for index, window in enumerate(found):
            place, last = token - window.first, len(window.spans) - 1
            if 0 <= place <= last:
                scores.append((-(min(place, last - place) + 0.01 * (last + 1)), index))
                if window.max_context[window.offset + place]:
                    marked.append(index)
        assert marked == [min(scores)[1]]


def test_question_and_separators_are_never_the_best_place():
    for window in windows():
        outside = [*window.max_context[: window.offset], window.max_context[-1]]
        assert not any(outside)


def test_a_long_question_keeps_its_beginning():
    query = TOKENIZER.encode(QUESTION)
    window, *_ = make_windows(QUESTION, CONTEXT, TOKENIZER, 24, 7, max_query_length=2)
    assert window.input_ids[:4] == [TOKENIZER.cls_id, *query[:2], TOKENIZER.sep_id]


def test_a_context_without_text_has_no_window():
    assert windows(context=" \n ") == []
    assert window_targets([], (0, 1)) == []


def test_many_questions_get_the_windows_of_each():
    rows = [("house?", CONTEXT), (QUESTION, CONTEXT), (QUESTION, "the end"), ("a", CONTEXT)]
    assert list(windows_of(rows, TOKENIZER, 24, 7)) == [
        make_windows(question, context, TOKENIZER, 24, 7) for question, context in rows
    ]


def test_lengths_without_room_are_refused():
    tokens = len(TOKENIZER.encode(QUESTION))
    assert windows(tokens + 4)
    with pytest.raises(ConfigError, match=f"no room .* {tokens} tokens: raise it, or lower max_q"):
        windows(tokens + 3)
    with pytest.raises(ConfigError, match="doc_stride 0"):
        windows(doc_stride=0)


@pytest.mark.parametrize("text", ["warm morning", "A", "river", "river.", "lovely garden. A  warm"])
def test_a_target_slices_back_to_the_answer(text):
    found = windows()
    targets = window_targets(found, answer(text))
    assert any(not target.is_impossible for target in targets)
    for window, target in zip(found, targets, strict=True):
        start, end = answer(text)
        if target.is_impossible:
            assert target == Target(0, 0, True)
            covered = window.spans[0][0], window.spans[-1][1]
            assert not (covered[0] <= start and end <= covered[1])
        else:
            first = window.spans[target.start_position - window.offset]
            last = window.spans[target.end_position - window.offset]
            assert CONTEXT[first[0] : last[1]] == text


def test_a_window_that_cuts_the_answer_has_none():
    found = windows()
    edge = found[0].spans[-1][1]
    targets = window_targets(found, (edge - 1, edge + 1))
    assert targets[0].is_impossible
    assert not targets[1].is_impossible


def test_a_question_without_an_answer_has_none_in_any_window():
    assert set(window_targets(windows(), None)) == {Target(0, 0, True)}


def test_white_space_belongs_to_the_token_after_it():
    found = make_windows("a", "the old house", TOKENIZER, 64, 8)
    ends = [end for _, end in found[0].spans]
    offset = found[0].offset
    old = ends.index(7)
    [target] = window_targets(found, (3, 7))  # " old"
    assert target == Target(offset + ends.index(3) + 1, offset + old, False)
    [target] = window_targets(found, (4, 8))  # "old "
    assert target.end_position == offset + old + 1


def test_white_space_at_the_very_end_belongs_to_the_last_token():
    [window] = make_windows("a", "old house ", TOKENIZER, 64, 8)
    [target] = window_targets([window], (4, 10))
    assert target.end_position == len(window.input_ids) - 2


def test_pieces_that_share_a_character_are_all_in_the_answer():
    context = "the house\u2026"  # one character that is three dots
    [window] = make_windows("a", context, TOKENIZER, 64, 8)
    [target] = window_targets([window], (9, 10))
    assert window.spans[target.start_position - window.offset][0] == 9
    assert target.end_position == len(window.input_ids) - 2


def test_compact_tokens_give_the_same_windows_and_questions_about_a_context_share_them():
    first = QuestionTokens.of(QUESTION, CONTEXT, TOKENIZER, 24, 7)
    second = QuestionTokens.of("a table?", CONTEXT, TOKENIZER, 24, 7, max_query_length=1)
    assert first.windows() == windows()
    assert second.windows() == make_windows("a table?", CONTEXT, TOKENIZER, 24, 7, 1)
    assert second.context_spans is first.context_spans
    assert QuestionTokens.of(QUESTION, " ", TOKENIZER, 24, 7).windows() == []
