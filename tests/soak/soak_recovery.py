"""Bad losses, gradients, weights and moments at random places: never stored, and undone (R8)."""

import random
from pathlib import Path

import pytest

from faulty import NOT_NUMBERS, PLACES, faulty_trainer, same, stored_is_finite, weights_of
from litebert.foundation.errors import DivergenceError
from litebert.training.loop import Trainer
from litebert.training.watch import alarms_of

STEPS = 120


def faults_of(draws: random.Random) -> dict[int, tuple[str, float]]:
    """Single bad batches, windows of them, and spikes."""
    faults: dict[int, tuple[str, float]] = {}
    for _ in range(draws.randrange(1, 6)):
        first = draws.randrange(STEPS - 8)
        spike = draws.random() < 0.4 and first > 40
        place = "spike" if spike else draws.choice([p for p in PLACES if p[0] in "lg"])
        value = 500.0 if spike else draws.choice(NOT_NUMBERS)
        for number in range(first, first + draws.choice([1, 1, 2, 3, 5])):
            faults[number] = (place, value)
    return faults


def run(trainer: Trainer) -> str:
    try:
        return f"made {trainer.run().state.step} steps"
    except DivergenceError as error:
        return str(error)


@pytest.mark.cases(ci=20, nightly=100)
def test_r8_what_is_no_number_is_never_stored_and_a_resumed_run_decides_alike(
    tmp_path: Path, case: int
) -> None:
    draws = random.Random(case)
    faults, every = faults_of(draws), draws.choice([3, 5, 11])
    whole = faulty_trainer(tmp_path / "whole", faults, steps=STEPS, save_every=every)
    outcome = run(whole)
    assert stored_is_finite(tmp_path / "whole")
    first = faulty_trainer(tmp_path / "parts", faults, steps=STEPS, save_every=every)
    first.save(wait=True)  # a run that is killed writes no further; this one would
    for _ in range(draws.randrange(STEPS)):
        try:
            first.step()
        except DivergenceError:
            break
        first.log()
        if first.plan.saves_at(first.state.step):
            first.save(wait=True)
    parts = faulty_trainer(tmp_path / "parts", faults, steps=STEPS, save_every=every, resume=True)
    assert run(parts) == outcome
    assert same(whole, parts)
    assert alarms_of(tmp_path / "whole") == alarms_of(tmp_path / "parts")
    assert alarms_of(tmp_path / "whole") != []


@pytest.mark.cases(ci=20, nightly=100)
def test_r8_a_passing_fault_anywhere_in_memory_is_undone(tmp_path: Path, case: int) -> None:
    draws = random.Random(1000 + case)
    place = PLACES[case % len(PLACES)]
    fault = {draws.randrange(1, STEPS - 10): (place, draws.choice(NOT_NUMBERS))}
    trainer = faulty_trainer(tmp_path, fault, passing=True, steps=STEPS)
    assert run(trainer) == f"made {STEPS} steps"
    assert stored_is_finite(tmp_path)
    assert all(bool(values.isfinite().all()) for values in weights_of(trainer))
    assert alarms_of(tmp_path)[0].kind == "not_finite"
