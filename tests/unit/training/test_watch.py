"""The watch skips what harms, goes back when that repeats, and is silent on healthy runs."""

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.training.journal import Journal
from litebert.training.watch import (
    FEWEST,
    Alarm,
    Chance,
    Expectation,
    Judgement,
    Verdict,
    Watch,
    WatchSettings,
    WatchState,
    alarms_of,
)

WATCH = Watch(WatchSettings())


def judged(losses: list[float], watch: Watch = WATCH) -> list[Judgement]:
    """The judgements of a run's losses, one after the other."""
    state, found = WatchState(), []
    for step, loss in enumerate(losses, start=1):
        found.append(watch.judge(state, step, loss, gradient_norm=1.0))
        state = found[-1].state
    return found


def healthy(steps: int, masked: int, seed: int, floor: float = 6.0) -> list[float]:
    """Losses that fall steeply, then slowly: each the mean over so many masked tokens, whose own
    losses scatter as much as they are high (those of real runs scatter less)."""
    rng = np.random.default_rng(seed)
    trend = floor + 3.5 * np.exp(-np.arange(steps) / 25) - 0.0003 * np.arange(steps)
    return (trend * rng.gamma(masked, 1 / masked, steps)).tolist()


@pytest.mark.parametrize("masked", [5, 20, 100, 5000])
def test_falling_and_noisy_losses_give_no_alarm(masked: int) -> None:
    for seed in range(20):
        verdicts = {j.verdict for j in judged(healthy(400, masked, seed))}
        assert verdicts == {Verdict.UPDATE}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 1, 50])
def test_what_is_no_number_is_skipped_from_the_first_step_on(bad: float, place: int) -> None:
    losses = healthy(60, 100, 0)
    losses[place] = bad
    verdicts = [j.verdict for j in judged(losses)]
    assert [i for i, verdict in enumerate(verdicts) if verdict is not Verdict.UPDATE] == [place]
    judgement = WATCH.judge(WatchState(), 1, 1.0, gradient_norm=bad)
    assert (judgement.verdict, judgement.alarm.kind) == (Verdict.SKIP, "not_finite")


@given(st.integers(FEWEST, 150), st.integers(100, 5000), st.integers(0, 99))
def test_a_loss_five_times_as_high_is_a_spike(place: int, masked: int, seed: int) -> None:
    losses = healthy(151, masked, seed)
    losses[place] *= 5
    found = judged(losses)
    wrong = [j.alarm for j in found if j.alarm is not None]
    assert [(alarm.kind, alarm.step) for alarm in wrong] == [("spike", place + 1)]


def test_a_collapse_to_the_plateau_is_a_spike_that_stays() -> None:
    losses = [*healthy(200, 100, 0, floor=3.0), *[6.4] * 3]
    assert [j.verdict for j in judged(losses)][-3:] == [Verdict.SKIP, Verdict.SKIP, Verdict.REWIND]


def test_three_in_a_row_go_back() -> None:
    found = judged([1.0, math.nan, math.nan, math.nan])
    skip = Verdict.SKIP
    assert [j.verdict for j in found] == [Verdict.UPDATE, skip, skip, Verdict.REWIND]
    state = found[-1].state
    assert (state.suspect_since, state.rewinds) == (2, 0)
    back = found[0].state.rewound(state, 0)
    assert back == WatchState((1.0,), rewinds=1, rewound_to=0)
    strict = Watch(WatchSettings(bad_updates=1))
    assert strict.judge(WatchState(), 1, math.nan, 1.0).verdict is Verdict.REWIND


def test_every_other_update_bad_goes_back_too() -> None:
    losses = [value for pair in zip([1.0] * 40, [math.nan] * 40, strict=True) for value in pair]
    verdicts = [j.verdict for j in judged(losses)]
    assert verdicts.index(Verdict.REWIND) < 10


def test_doubt_ends_after_as_many_good_updates() -> None:
    found = judged([1.0, math.nan, *[1.0] * 8])
    assert [j.state.suspect_since for j in found] == [None, *[2] * 8, None]


def test_the_memory_survives_json() -> None:
    state = judged([*healthy(40, 100, 0), math.nan])[-1].state
    state = WatchState(state.losses, 0.1, 2, 1, 0, {"a": 7}, ("b",))
    values = asdict(state)
    assert WatchState.from_json({**values, "losses": list(values["losses"])}) == state


def expect(watch: Watch, course: list[tuple[int, dict[str, float]]]) -> list[tuple[str, int]]:
    state, found = WatchState(), []
    for tokens, metrics in course:
        state, alarms = watch.expect(state, tokens // 10, tokens, metrics)
        found += [(alarm.kind, tokens) for alarm in alarms]
    return found


EXPECTED = Watch(
    WatchSettings(),
    [
        Expectation("not_learning", "loss", 6.3, 500, "try this"),
        Expectation(
            "order_not_learnt", "order", 0.55, 1000, "try that", falling=False, after="not_learning"
        ),
    ],
)


def test_a_warning_comes_once_after_the_patience_and_never_for_what_was_met() -> None:
    course = [(t, {"loss": 6.5, "order": 0.5}) for t in range(100, 2100, 100)]
    assert expect(EXPECTED, course) == [("not_learning", 500)]
    course = [(t, {"loss": 6.5 - t / 1000, "order": 0.5}) for t in range(100, 2100, 100)]
    assert expect(EXPECTED, course) == [("order_not_learnt", 1300)]  # 1000 after it was at 300
    course = [(t, {"loss": 6.2, "order": 0.6}) for t in range(100, 5100, 100)]
    assert expect(EXPECTED, course) == []
    assert expect(EXPECTED, [(9999, {"other": 1.0})]) == []


def test_a_warning_says_what_was_seen_and_what_to_try() -> None:
    _, (alarm,) = EXPECTED.expect(WatchState(), 7, 600, {"loss": 6.5})
    assert alarm.text == "loss is 6.500, not under 6.300 after 600 tokens: try this"


def test_alarms_are_read_back_from_the_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.record("train", 1, {"loss": 1.0})
    journal.alarm("spike", 2, "the loss is 9", batches=2)
    journal.record("evaluation", 2, {"loss": 1.0})
    assert alarms_of(tmp_path) == [Alarm("spike", 2, "the loss is 9")]
    assert alarms_of(tmp_path / "none") == []


def test_an_alarm_is_forgotten_only_if_its_batch_is_drawn_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for step in range(1, 6):
        journal.record("train", step, {})
    journal.alarm("spike", 6, "once", batches=6)
    journal.alarm("rewind", 7, "back to 2", batches=7)
    journal.forget_after(2, batches=7)
    for step in range(3, 6):
        journal.record("train", step, {})
    journal.alarm("spike", 6, "again", batches=11)
    journal.forget_after(4, batches=9)  # resumed at the checkpoint of step 4, after the return
    assert [alarm.text for alarm in alarms_of(tmp_path)] == ["once", "back to 2"]
    journal.forget_after(0, batches=0)
    assert alarms_of(tmp_path) == []


def test_a_run_at_chance_is_told_from_one_that_learns() -> None:
    chance = Chance(math.log(2), after=150, restarts=1)
    assert chance.stuck([0.7, 0.69, 0.75])
    assert chance.stuck([math.log(2)] * 128)
    assert not chance.stuck([0.7, 0.66, 0.66])
    state = WatchState(losses=(0.7, 0.72))
    alarm = chance.alarm(state)
    assert (alarm.kind, alarm.step) == ("stuck", 150)
    assert alarm.text.startswith("the training loss, 0.710, is not under that of chance, 0.693")
    assert alarm.text.endswith("the run begins again at a lower learning rate")
    last = chance.alarm(WatchState(losses=(0.7,), restarts=1))
    assert "nothing was learnt" in last.text


def test_the_losses_that_are_remembered_are_the_latest() -> None:
    state = WatchState()
    for loss in range(200):
        state = state.with_loss(float(loss))
    assert state.losses == tuple(float(loss) for loss in range(72, 200))
