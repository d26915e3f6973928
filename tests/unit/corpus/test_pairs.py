import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.corpus import pairs as pairs_module
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.pairs import Kind, draw_elsewhere, make_units, plan_epoch

ROOM = 61  # of instances of 64 tokens
documents = st.lists(
    st.lists(st.integers(1, 40) | st.integers(1, 300), min_size=1, max_size=30),
    min_size=1,
    max_size=8,
)
objectives = st.sampled_from(["order", "next", "none"])


def lay_out(lengths: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Sentence offsets and whole-document spans of documents of so many tokens a sentence."""
    offsets = np.cumsum([0, *(n for document in lengths for n in document)])
    ends = np.cumsum([len(document) for document in lengths])
    return offsets, np.column_stack((ends - [len(document) for document in lengths], ends))


@given(documents)
def test_long_sentences_become_equal_windows_that_fit(lengths):
    offsets, spans = lay_out(lengths)
    units = make_units(offsets, spans, ROOM, original=False)
    sizes = np.diff(units.offsets)
    assert sizes.max() <= ROOM
    assert set(offsets.tolist()) <= set(units.offsets.tolist())
    assert (units.offsets[units.spans] == offsets[spans]).all()
    expected = []
    for first, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        inside = np.searchsorted(units.offsets, [first, end]).tolist()
        if end - first > ROOM:
            expected += [[unit, *inside] for unit in range(*inside)]
            parts = sizes[slice(*inside)]
            assert parts.max() - parts.min() <= 1
        else:
            assert inside[1] - inside[0] == 1
    assert units.windows.tolist() == expected


@given(documents, objectives, st.integers(0, 5), st.sampled_from([0.0, 0.1, 1.0]))
def test_an_epoch_covers_every_sentence_and_every_window(lengths, objective, epoch, short):
    settings = InstanceSettings(max_length=64, sentence_objective=objective, short_fraction=short)
    units = make_units(*lay_out(lengths), settings.room, original=False)
    plan = plan_epoch(units, settings, 7, epoch)
    covered = np.zeros(len(units.offsets) - 1, dtype=int)
    alone = np.zeros_like(covered)
    for start, count, split, kind in zip(
        plan.start, plan.count, plan.split, plan.kind, strict=True
    ):
        end = start + (split if kind == Kind.RANDOM else count)
        covered[start:end] += 1
        alone[start] += count == 1 and kind == Kind.SINGLE
        inside = (units.spans[:, 0] <= start) & (start + count <= units.spans[:, 1])
        assert inside.sum() == 1
        assert count >= 1
        assert split == count if kind == Kind.SINGLE else 1 <= split < count
    windows = units.windows[:, 0]
    assert (alone[windows] == 1).all()
    assert (np.delete(covered, windows) == 1).all()


@given(documents, st.integers(0, 2**40))
def test_targets_are_met_and_only_one_in_ten_is_short(lengths, seed):
    settings = InstanceSettings(max_length=64)
    units = make_units(*lay_out(lengths), settings.room, original=False)
    plan = plan_epoch(units, settings, seed, 0)
    assert plan.target.max() <= ROOM
    assert plan.target.min() >= 2
    ends = plan.start + plan.count
    tokens = units.offsets[ends] - units.offsets[plan.start]
    at_end = np.isin(ends, units.spans[:, 1])
    window = np.isin(plan.start, units.windows[:, 0])
    assert (at_end | window | (tokens >= plan.target)).all()
    before_last = units.offsets[ends - 1] - units.offsets[plan.start]
    truncated = np.isin(ends - 1, units.windows[:, 0])
    assert (truncated | (plan.count == 1) | (before_last < plan.target)).all()


def test_short_targets_are_uniform_and_as_frequent_as_set():
    lengths = [[1] * 3000 for _ in range(20)]
    settings = InstanceSettings(max_length=64)
    plan = plan_epoch(make_units(*lay_out(lengths), ROOM, False), settings, 1, 0)
    short = plan.target[plan.target < ROOM]
    assert len(short) / len(plan) == pytest.approx(0.1, abs=0.025)
    assert short.mean() == pytest.approx((2 + ROOM) / 2, abs=4)


@pytest.mark.parametrize(("objective", "kind"), [("order", Kind.SWAPPED), ("next", Kind.RANDOM)])
@pytest.mark.parametrize("recipe", ["litebert", "original"])
def test_labels_are_balanced(objective, kind, recipe):
    lengths = [[7, 9, 11] * 300 for _ in range(30)]
    settings = InstanceSettings(
        max_length=64, sentence_objective=objective, recipe=recipe, short_fraction=0
    )
    plan = plan_epoch(make_units(*lay_out(lengths), ROOM, recipe == "original"), settings, 3, 0)
    other = plan.kind == kind
    assert other.sum() / (other | (plan.kind == Kind.IN_ORDER)).sum() == pytest.approx(
        0.5, abs=0.03
    )
    assert np.unique(plan.split).tolist() == list(range(1, plan.count.max()))


@given(documents, objectives)
def test_a_plan_is_pure_and_a_document_keeps_its_own_whatever_is_beside_it(lengths, objective):
    settings = InstanceSettings(max_length=64, sentence_objective=objective)
    offsets, spans = lay_out(lengths)
    whole = plan_epoch(make_units(offsets, spans, settings.room, False), settings, 7, 1)
    again = plan_epoch(make_units(offsets, spans, settings.room, False), settings, 7, 1)
    alone = plan_epoch(make_units(offsets, spans[:1], settings.room, False), settings, 7, 1)
    for name in ("start", "count", "split", "kind", "target"):
        assert (getattr(whole, name) == getattr(again, name)).all()
        assert (getattr(whole, name)[: len(alone)] == getattr(alone, name)).all()


def test_epochs_and_seeds_differ():
    units = make_units(*lay_out([[9] * 2000]), ROOM, False)
    settings = InstanceSettings(max_length=64)
    plans = [plan_epoch(units, settings, *key) for key in ((1, 0), (1, 1), (2, 0))]
    assert len({plan.start.tobytes() + plan.kind.tobytes() for plan in plans}) == 3


def test_long_documents_are_planned_in_sections(monkeypatch):
    monkeypatch.setattr(pairs_module, "SECTION", 50)
    units = make_units(*lay_out([[9] * 120, [9] * 3]), ROOM, False)
    plan = plan_epoch(units, InstanceSettings(max_length=64), 1, 0)
    assert {50, 100, 120} <= set(plan.start.tolist())
    assert (plan.start[1:] == (plan.start + plan.count)[:-1]).all()


@given(documents, st.sampled_from(["order", "next"]), st.integers(0, 9))
def test_the_original_draws_one_target_a_document_and_puts_sentences_back(lengths, objective, seed):
    settings = InstanceSettings(
        max_length=64, sentence_objective=objective, recipe="original", short_fraction=0.5
    )
    offsets, spans = lay_out(lengths)
    units = make_units(offsets, spans, settings.room, original=True)
    assert units.offsets is offsets
    plan = plan_epoch(units, settings, seed, 0)
    owner = np.searchsorted(spans[:, 0], plan.start, side="right") - 1
    for document in range(len(lengths)):
        assert len(set(plan.target[owner == document].tolist())) == 1
    assert ((plan.count == 1) <= (plan.kind == Kind.RANDOM)).all()
    assert (plan.kind != Kind.SINGLE).all()
    used = np.where(plan.kind == Kind.RANDOM, plan.split, plan.count)
    follows = owner[1:] == owner[:-1]
    assert (plan.start[1:] == (plan.start + used)[:-1])[follows].all()


@given(documents, st.booleans(), st.integers(0, 2**32), st.integers(-5, 80))
def test_text_from_elsewhere_is_long_enough_and_inside_one_document(
    lengths, original, seed, wanted
):
    offsets, spans = lay_out(lengths)
    units = make_units(offsets, spans, ROOM, original)
    rng = np.random.default_rng(seed)
    here = int(rng.integers(len(spans)))
    start = int(units.spans[here, 0])
    first, end = draw_elsewhere(units, start, wanted, original, rng)
    owner = int(np.flatnonzero((units.spans[:, 0] <= first) & (first < units.spans[:, 1]))[0])
    assert first < end <= units.spans[owner, 1]
    assert end == units.spans[owner, 1] or units.offsets[end] - units.offsets[first] >= wanted
    assert end == first + 1 or units.offsets[end - 1] - units.offsets[first] < wanted
    if not original and len(spans) > 1:
        assert owner != here
