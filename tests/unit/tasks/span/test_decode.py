import math

import numpy as np
import pytest

from litebert.tasks.span.decode import (
    BeamScores,
    SpanScores,
    decode_answerable,
    decode_spans,
)
from litebert.tasks.span.windows import Window

CONTEXT = "one two two three four five six seven eight"
WORDS = CONTEXT.split()
OFFSET = 3  # [CLS], a question of one token, [SEP]


def window(first: int, last: int, best: range) -> Window:
    """Words first … last of the context, a token each; answers may start at the words of `best`."""
    starts = np.cumsum([0, *(len(word) + 1 for word in WORDS)])
    spans = [(int(starts[i]), int(starts[i]) + len(WORDS[i])) for i in range(first, last + 1)]
    size = len(spans)
    return Window(
        input_ids=[2, 9, 3, *range(10 + first, 10 + first + size), 3],
        segment_ids=[0] * OFFSET + [1] * (size + 1),
        p_mask=[0, 1, 1] + [0] * size + [1],
        max_context=[False] * OFFSET + [i in best for i in range(first, last + 1)] + [False],
        spans=spans,
        offset=OFFSET,
        first=first,
    )


WINDOWS = [window(0, 5, range(5)), window(3, 8, range(5, 9))]


def scores(at: int, start: dict[int, float], end: dict[int, float]) -> SpanScores:
    """Logits of a window with ten positions, by word of the context; all others are very low."""
    size = 10
    values = [np.full(size, -50.0), np.full(size, -50.0)]
    for array, given in zip(values, (start, end), strict=True):
        for word, value in given.items():
            array[OFFSET + word - WINDOWS[at].first] = value
    return SpanScores(*values)


NOTHING = {1: scores(1, {}, {}), 0: scores(0, {}, {})}


def test_the_best_pair_is_the_answer_with_its_characters():
    found = decode_spans(CONTEXT, WINDOWS, [[scores(0, {1: 3}, {3: 2}), NOTHING[1]]])
    assert found.text == "two two three"
    assert CONTEXT[slice(*found.candidates[0].span)] == "two two three"
    assert (found.candidates[0].start_score, found.candidates[0].end_score) == (3, 2)
    assert found.null_odds is None


def test_a_start_counts_only_in_the_window_with_most_context():
    high = scores(1, {3: 9, 5: 1}, {6: 1})  # word 3 has more context in the other window
    found = decode_spans(CONTEXT, WINDOWS, [[NOTHING[0], high]])
    assert found.text == "five six"


def test_an_end_before_its_start_and_a_long_answer_do_not_count():
    pairs = scores(0, {3: 5, 0: 4}, {1: 9, 4: 3})
    assert decode_spans(CONTEXT, WINDOWS, [[pairs, NOTHING[1]]]).text == "one two"
    shortest = decode_spans(CONTEXT, WINDOWS, [[pairs, NOTHING[1]]], max_answer_length=1)
    assert len(shortest.text.split()) == 1


def test_a_text_is_listed_once_with_its_best_scores():
    found = decode_spans(CONTEXT, WINDOWS, [[scores(0, {1: 1, 2: 2}, {1: 1, 2: 1}), NOTHING[1]]])
    texts = [candidate.text for candidate in found.candidates]
    assert texts.count("two") == 1
    assert found.candidates[0].text == "two"
    assert found.candidates[0].span == (8, 11)


def test_probabilities_are_a_softmax_over_the_list():
    found = decode_spans(CONTEXT, WINDOWS, [[scores(0, {1: 3}, {2: 2, 1: 0}), NOTHING[1]]], 3)
    sums = [c.start_score + c.end_score for c in found.candidates]
    weights = [math.exp(value - max(sums)) for value in sums]
    shares = [candidate.probability for candidate in found.candidates]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], abs=1e-15)
    assert len(shares) == 2
    assert sums == sorted(sums, reverse=True)


def test_positions_beyond_the_window_take_their_place_in_the_beam_but_are_no_answer():
    padded = scores(0, {1: 3}, {2: 2})
    padded.start[-1] = padded.end[-1] = 9  # padding
    assert decode_spans(CONTEXT, WINDOWS, [[padded, NOTHING[1]]], n_best=2).text == "two two"
    assert decode_spans(CONTEXT, WINDOWS, [[padded, NOTHING[1]]], n_best=1).text != "two two"


def test_without_any_allowed_pair_the_answer_is_a_stand_in():
    beside = SpanScores(*(np.arange(10, 0, -1.0) for _ in range(2)))
    [candidate] = decode_spans(CONTEXT, WINDOWS, [[beside, beside]], n_best=1).candidates
    assert (candidate.text, candidate.probability, candidate.span) == ("empty", 1, None)
    assert decode_spans(" ", [], [[]]).text == "empty"
    nothing = decode_answerable(" ", [], [[]])
    assert (nothing.text, nothing.null_odds) == ("", 1e6)
    assert nothing.candidates[0].start_score == nothing.candidates[0].end_score == -1e6


def test_models_are_averaged_over_those_that_propose_a_pair():
    first = scores(0, {1: 4.0}, {2: 2.0})
    second = scores(0, {1: 2.0, 0: 2.5}, {2: 1.0})
    found = decode_spans(CONTEXT, WINDOWS, [[first, NOTHING[1]], [second, NOTHING[1]]], n_best=1)
    by_text = {candidate.text: candidate for candidate in found.candidates}
    assert set(by_text) <= {"two two", "one two two"}
    both = decode_spans(CONTEXT, WINDOWS, [[first, NOTHING[1]], [second, NOTHING[1]]], n_best=2)
    best = both.candidates[0]
    assert (best.text, best.start_score, best.end_score) == ("two two", 3.0, 1.5)


def beam(at: int, starts: dict[int, float], ends: dict[int, float], odds: float) -> BeamScores:
    """A beam that follows every start to every end, words given with their log-probabilities."""
    shift = OFFSET - WINDOWS[at].first
    return BeamScores(
        np.array(list(starts.values())),
        np.array([word + shift for word in starts]),
        np.tile(list(ends.values()), (len(starts), 1)),
        np.tile([word + shift for word in ends], (len(starts), 1)),
        odds,
    )


def test_a_beam_gives_the_best_pair_and_the_least_odds_of_none():
    beams = [beam(0, {1: -1, 0: -2}, {3: -1, 2: -3}, 0.5), beam(1, {6: -0.5}, {8: -2.0}, -0.25)]
    found = decode_answerable(CONTEXT, WINDOWS, [beams])
    assert found.text == "two two three"  # -2 goes before -2.5
    assert found.candidates[1].text == "six seven eight"
    assert found.null_odds == -0.25


def test_beams_may_come_flat_and_odds_are_averaged_over_models():
    one = [beam(0, {1: -1, 0: -2}, {3: -1, 2: -3}, 0.5), beam(1, {6: -0.5}, {8: -2.0}, 2)]
    flat = [
        BeamScores(
            b.start_log_probs, b.start_index, b.end_log_probs.ravel(), b.end_index.ravel(), 4
        )
        for b in one
    ]
    assert decode_answerable(CONTEXT, WINDOWS, [flat]).text == "two two three"
    assert decode_answerable(CONTEXT, WINDOWS, [one, flat]).null_odds == (0.5 + 4) / 2


def test_decoding_finds_what_trying_every_pair_finds():
    rng = np.random.default_rng(3)
    for _ in range(200):
        models = [
            [SpanScores(*rng.normal(0, 2, (2, 11)).round(1)) for _ in WINDOWS]
            for _ in range(rng.integers(1, 3))
        ]
        found = decode_spans(CONTEXT, WINDOWS, models, n_best=4, max_answer_length=3)
        expected = tried(models, n_best=4, longest=3)
        listed = [(c.text, c.start_score, c.end_score) for c in found.candidates]
        assert listed == expected


def tried(models, n_best: int, longest: int) -> list[tuple[str, float, float]]:
    rated = []
    for index, window in enumerate(WINDOWS):
        pairs: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for model in models:
            start, end = model[index].start, model[index].end
            for s in sorted(range(11), key=lambda i: -start[i])[:n_best]:
                for e in sorted(range(11), key=lambda i: -end[i])[:n_best]:
                    inside = OFFSET <= s <= e < OFFSET + len(window.spans)
                    if inside and window.max_context[s] and e - s < longest:
                        pairs.setdefault((s, e), []).append((start[s], end[e]))
        for (s, e), values in pairs.items():
            text = " ".join(WORDS[window.first + s - OFFSET : window.first + e - OFFSET + 1])
            means = [sum(column) / len(values) for column in zip(*values, strict=True)]
            rated.append((text, *means))
    rated.sort(key=lambda row: -(row[1] + row[2]))
    unique = list({row[0]: row for row in reversed(rated)})[::-1]
    first = {text: next(row for row in rated if row[0] == text) for text in unique}
    return [row for row in rated if first[row[0]] is row][:n_best] or [("empty", 0, 0)]
