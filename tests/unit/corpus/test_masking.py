from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.corpus.instances import InstanceSettings, Pieces
from litebert.corpus.masking import Masking

CLS, SEP, MASK = 2, 3, 4
SIZE = 200
ORDINARY = np.arange(10, SIZE)
STARTS = np.arange(SIZE) % 3 != 0  # every third piece continues a word
PIECES = Pieces(CLS, SEP, MASK, STARTS, ORDINARY)
SINGLE_PIECE_WORDS = Pieces(CLS, SEP, MASK, np.ones(SIZE, dtype=bool), ORDINARY)


def pair(a: int, b: int, rng) -> tuple[np.ndarray, list[int]]:
    """`[CLS] A [SEP] B [SEP]` of random ids, or a single segment where b is 0."""
    parts = [[CLS], rng.choice(ORDINARY, a), [SEP]] + (
        [rng.choice(ORDINARY, b), [SEP]] if b else []
    )
    ids = np.concatenate(parts).astype(np.int64)
    return ids, [0, a + 1, a + b + 2] if b else [0, a + 1]


def words_of(ids, specials) -> list[list[int]]:
    words = []
    for position in range(len(ids)):
        if position in specials:
            continue
        if position - 1 in specials or STARTS[ids[position]]:
            words.append([])
        words[-1].append(position)
    return words


cases = given(
    a=st.integers(1, 60),
    b=st.integers(0, 60),
    seed=st.integers(0, 2**32),
    ngram=st.integers(1, 5),
    span_replacement=st.booleans(),
    recipe=st.sampled_from(["litebert", "original"]),
    limit=st.none() | st.integers(1, 8),
)


@cases
def test_masks_obey_their_quota_and_never_touch_special_tokens(
    a, b, seed, ngram, span_replacement, recipe, limit
):
    rng = np.random.default_rng(seed)
    ids, specials = pair(a, b, rng)
    before = ids.copy()
    settings = InstanceSettings(
        ngram=ngram, span_replacement=span_replacement, recipe=recipe, max_predictions=limit
    )
    positions, labels = Masking(settings, PIECES).mask(ids, specials, rng)
    quota = min(max(1, round(0.15 * len(ids))), limit or 1000)
    assert len(positions) <= quota
    assert (np.diff(positions) > 0).all()
    assert not set(positions.tolist()) & set(specials)
    assert (before[positions] == labels).all()
    untouched = np.delete(np.arange(len(ids)), positions)
    assert (ids[untouched] == before[untouched]).all()
    if recipe == "litebert":
        random = (ids[positions] != MASK) & (ids[positions] != labels)
        assert np.isin(ids[positions][random], ORDINARY).all()
        chosen = set(positions.tolist())
        for word in words_of(before, specials):
            assert chosen.issuperset(word) or chosen.isdisjoint(word)


@given(a=st.integers(7, 60), b=st.integers(7, 60), seed=st.integers(0, 2**32))
def test_the_quota_is_met_where_words_are_single_pieces(a, b, seed):
    rng = np.random.default_rng(seed)
    ids, specials = pair(a, b, rng)
    masking = Masking(InstanceSettings(), SINGLE_PIECE_WORDS)
    assert len(masking.mask(ids, specials, rng)[0]) == round(0.15 * len(ids))


@given(a=st.integers(1, 40), b=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_a_span_is_a_few_whole_words_of_one_segment(a, b, seed):
    rng = np.random.default_rng(seed)
    ids, specials = pair(a, b, rng)
    masking = Masking(InstanceSettings(), PIECES)
    words = {tuple(word): number for number, word in enumerate(words_of(ids, specials))}
    starts = {word[0]: number for word, number in words.items()}
    ends = {word[-1]: number for word, number in words.items()}
    for span in masking._choose_spans(ids, specials, len(ids) // 2, rng):
        assert span == list(range(span[0], span[-1] + 1))
        assert 0 <= ends[span[-1]] - starts[span[0]] < 3
        assert (span[0] < specials[1]) == (span[-1] < specials[1])


@pytest.mark.parametrize("favor_shorter", [True, False])
@pytest.mark.parametrize("recipe", ["litebert", "original"])
def test_spans_of_n_words_are_drawn_in_proportion_to_1_over_n(favor_shorter, recipe):
    rng = np.random.default_rng(0)
    ids, specials = pair(300, 300, rng)
    settings = InstanceSettings(favor_shorter=favor_shorter, recipe=recipe)
    masking = Masking(settings, SINGLE_PIECE_WORDS)
    choose = masking._choose_spans if recipe == "litebert" else masking._choose_original
    lengths = Counter(len(choose(ids, specials, 3, rng)[0]) for _ in range(4000))
    shares = [lengths[n] / 4000 for n in (1, 2, 3)]
    expected = [6 / 11, 3 / 11, 2 / 11]
    assert shares == pytest.approx(expected if favor_shorter else expected[::-1], abs=0.03)


def test_chances_are_renormalised_where_a_segment_ends():
    rng = np.random.default_rng(0)
    ids, specials = pair(2, 0, rng)
    masking = Masking(InstanceSettings(), SINGLE_PIECE_WORDS)
    firsts = Counter(tuple(masking._choose_spans(ids, specials, 2, rng)[0]) for _ in range(4000))
    at_first_word = firsts[(1,)] + firsts[(1, 2)]
    assert at_first_word / 4000 == pytest.approx(0.5, abs=0.03)
    assert firsts[(1, 2)] / at_first_word == pytest.approx(1 / 3, abs=0.03)  # (1/2) / (1 + 1/2)


@pytest.mark.parametrize(("recipe", "lowest"), [("litebert", 10), ("original", 0)])
def test_chosen_tokens_become_80_10_10(recipe, lowest):
    rng = np.random.default_rng(1)
    masking = Masking(InstanceSettings(recipe=recipe), SINGLE_PIECE_WORDS)
    fates: Counter[str] = Counter()
    drawn = set()
    for _ in range(300):
        ids, specials = pair(250, 250, rng)
        positions, labels = masking.mask(ids, specials, rng)
        for now, label in zip(ids[positions].tolist(), labels.tolist(), strict=True):
            fates["mask" if now == MASK else "same" if now == label else "random"] += 1
            if now not in (MASK, label):
                drawn.add(now)
    total = sum(fates.values())
    shares = [fates[name] / total for name in ("mask", "random", "same")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert min(drawn) == lowest
    assert len(drawn) > 0.98 * (SIZE - lowest) - 1


def test_a_span_may_share_one_fate():
    rng = np.random.default_rng(2)
    mixed = {}
    for together in (True, False):
        settings = InstanceSettings(ngram=2, span_replacement=together)
        masking = Masking(settings, SINGLE_PIECE_WORDS)
        mixed[together] = 0
        for _ in range(1500):
            ids, specials = pair(12, 0, rng)  # two tokens to predict
            positions, labels = masking.mask(ids, specials, rng)
            fates = set(zip(ids[positions] == MASK, ids[positions] == labels, strict=True))
            mixed[together] += positions[1] - positions[0] == 1 and len(fates) == 2
    assert mixed[True] < 0.5 * mixed[False]  # left: two spans of one word that happen to touch


def test_only_the_original_lets_a_span_straddle_sep():
    starts = np.ones(SIZE, dtype=bool)
    starts[11] = False
    pieces = Pieces(CLS, SEP, MASK, starts, ORDINARY)
    ids = np.array([CLS, 10, SEP, 11, SEP], dtype=np.int64)  # 11 continues a word, across [SEP]
    rng = np.random.default_rng(0)
    original = Masking(InstanceSettings(recipe="original"), pieces)
    assert original._choose_original(ids, [0, 2, 4], 4, rng) == [[1, 3]]
    spans = Masking(InstanceSettings(), pieces)._choose_spans(ids, [0, 2, 4], 4, rng)
    assert sorted(spans) == [[1], [3]]


def test_only_the_original_drops_a_span_that_touches_a_chosen_one():
    rng = np.random.default_rng(3)
    ids, specials = pair(40, 0, rng)
    settings = {"ngram": 3, "favor_shorter": False}
    met = {"litebert": 0, "original": 0}
    for recipe in ("litebert", "original"):
        masking = Masking(InstanceSettings(recipe=recipe, **settings), SINGLE_PIECE_WORDS)
        choose = masking._choose_spans if recipe == "litebert" else masking._choose_original
        for _ in range(50):
            met[recipe] += sum(map(len, choose(ids, specials, 40, rng))) == 40
    assert met["litebert"] == 50
    assert met["original"] < 25
