"""A plan reckons right, finds what fits, and refuses what the run would refuse."""

from pathlib import Path
from typing import Any

import pytest

from litebert.foundation.errors import ConfigError, CorpusError
from litebert.pretraining.plan import Plan, plan
from litebert.pretraining.settings import PretrainingSettings
from litebert.training.budget import Pace, steps_within

SMALL: dict[str, dict[str, Any]] = {
    "model": {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2},
    "data": {"max_length": 32},
    "training": {"batch_size": 16},
    "evaluation": {"heldout": 0.2, "evaluation_instances": 16},
    "machine": {"device": "cpu", "precision": "fp32", "threads": 1},
}


def planned(corpus: Path, available: int | None = None, **sections: dict[str, Any]) -> Plan:
    values = {name: {**SMALL.get(name, {}), **sections.get(name, {})} for name in SMALL | sections}
    return plan(corpus, PretrainingSettings.parse(values), seconds=0.1, available=available)


@pytest.fixture(scope="module")
def made(small_corpus: Path) -> Plan:
    return planned(small_corpus, budget={"steps": 40}, training={"micro_batch_size": 8})


def test_it_says_everything_of_a_run_that_fits(made: Plan, small_corpus: Path) -> None:
    assert made.memory.fits
    assert made.smaller is None
    assert made.micro_batch_size == 8
    assert made.parameters.pretraining * 4 == made.memory.footprint.weights
    assert made.disk.checkpoint == 12 * made.parameters.pretraining
    assert made.disk.checkpoints == 4  # two that are kept, the best, and one being written
    files = [path for path in small_corpus.rglob("*") if path.is_file()]
    assert made.disk.corpus == sum(path.stat().st_size for path in files)
    assert made.disk.free > made.disk.needed


def test_the_time_follows_from_the_pace(made: Plan) -> None:
    course, pace, speed = made.course, made.pace, made.speed
    assert pace.step_seconds == pytest.approx(made.step_tokens * speed.token + speed.update)
    assert (course.steps, course.tokens) == (40, pytest.approx(40 * made.step_tokens))
    evaluations = 20  # in a run, unless told otherwise
    expected = 40 * pace.step_seconds + evaluations * pace.evaluation_seconds
    assert course.seconds == pytest.approx(expected)
    assert course.epochs == pytest.approx(course.tokens / made.epoch_tokens)
    assert 0 < speed.instances <= 8


def test_tokens_and_minutes_become_steps(made: Plan, small_corpus: Path) -> None:
    asked = planned(small_corpus, budget={"tokens": 5000})
    assert asked.course.steps == round(5000 / asked.step_tokens)
    timed = planned(small_corpus, budget={"minutes": 1.0})
    assert timed.course.seconds == pytest.approx(60, rel=0.05)
    assert planned(small_corpus).course is None


def test_minutes_leave_room_for_evaluations() -> None:
    assert steps_within(100, Pace(1.0, 0.0001), None).total_steps == 99
    length = steps_within(100, Pace(1.0, 4.0), None)
    assert (length.total_steps, length.evaluate_every) == (92, 46)
    assert steps_within(100, Pace(1.0, 4.0), 4).total_steps == 50


def test_what_does_not_fit_is_said_with_a_micro_batch_that_does(
    made: Plan, small_corpus: Path
) -> None:
    large = {"batch_size": 2048, "micro_batch_size": 2048}
    whole = planned(small_corpus, training=large).memory
    half = (whole.footprint.process + whole.needed) // 2
    tight = planned(small_corpus, int(half / 0.95), training=large)
    assert not tight.memory.fits
    assert tight.smaller in (512, 1024)
    assert tight.speed.instances <= tight.smaller
    hopeless = planned(small_corpus, available=1000)
    assert (hopeless.smaller, hopeless.speed, hopeless.course) == (None, None, None)


def test_several_processes_share_the_batch_and_each_takes_memory(
    made: Plan, small_corpus: Path
) -> None:
    both = planned(small_corpus, machine={"processes": 2}, budget={"steps": 40})
    assert both.micro_batch_size == 8
    assert both.memory.needed == 2 * both.memory.footprint.total
    assert both.memory.footprint.exchange == both.memory.footprint.weights
    assert made.memory.footprint.exchange == 0


def test_checkpoints_that_are_kept_for_good_take_disk(small_corpus: Path) -> None:
    kept = planned(small_corpus, training={"keep_every": 10}, budget={"steps": 40})
    assert kept.disk.checkpoints == 8


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"data": {"max_length": 600}}, "512"),
        ({"model": {"vocab_size": 7}}, "vocab_size"),
        ({"budget": {"steps": 5}, "schedule": {"warmup": 9}}, "warm-up"),
    ],
)
def test_it_refuses_what_the_run_would_refuse(
    small_corpus: Path, sections: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        planned(small_corpus, **sections)


def test_without_a_corpus_there_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        planned(tmp_path / "none")
