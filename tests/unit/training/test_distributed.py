"""Two processes agree on numbers, weights and gradients, and notice when one of them is gone."""

import json
import signal
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed import TCPStore

from faulty import MEMORY
from litebert.training.distributed import ALONE, joined_world
from litebert.training.journal import read_metrics
from litebert.training.launch import rank_environment
from litebert.training.watch import alarms_of
from processes import ended, group, start
from ranks import (
    collectives,
    lose_the_other,
    replicate_a_beginning,
    sum_uneven_gradients,
    train_faulty,
    train_regression,
)
from regression import Regression


def together(function: object, tmp_path: Path, *arguments: object) -> list[object]:
    """Run a function in two ranks; what each has written."""
    with group(function, (tmp_path, *arguments), tmp_path / "log") as ranks:
        codes = [ended(process) for process in ranks]
    assert codes == [0, 0], "".join(p.read_text() for p in sorted(tmp_path.glob("log.*")))
    return [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]


def test_ranks_agree(tmp_path: Path) -> None:
    first, second = together(collectives, tmp_path)
    assert first["rank"] == [0, 2, 0, 2, True]
    assert second["rank"] == [1, 2, 1, 2, False]
    for found in (first, second):
        assert found["sums"] == [1, 1]
        assert found["largest"] == 7
        assert found["shared"] == {"text": "üüü", "list": [1, 2.5, None]}
        assert found["added"] == [3, 3, 3]


def test_a_process_alone_agrees_with_itself() -> None:
    with joined_world() as world:
        assert world == ALONE
    assert ALONE.sums([1, 2]) == [1, 2]
    assert ALONE.largest(3) == 3
    assert ALONE.share({"a": 1}) == {"a": 1}


def test_ranks_begin_again_without_moments_where_the_first_has_none(tmp_path: Path) -> None:
    assert together(replicate_a_beginning, tmp_path) == [[[1, 1], 0], [[1, 1], 0]]


def test_gradients_are_sums_and_absent_where_no_rank_has_one(tmp_path: Path) -> None:
    expected = [[[3, 3], [3, 3]], [[1, 1], [1, 1]], True, 5]
    assert together(sum_uneven_gradients, tmp_path) == [expected, expected]


@pytest.mark.parametrize(("batch_size", "micro_batch_size"), [(8, 8), (7, 2)])
def test_two_ranks_train_as_one(tmp_path: Path, batch_size: int, micro_batch_size: int) -> None:
    (tmp_path / "one").mkdir()
    train_regression(tmp_path / "one", batch_size, micro_batch_size, steps=12)
    (tmp_path / "two").mkdir()
    served = together(train_regression, tmp_path / "two", batch_size, micro_batch_size, 12)
    one = load_file(tmp_path / "one" / "0.safetensors")
    first, second = (load_file(tmp_path / "two" / f"{r}.safetensors") for r in range(2))
    assert not torch.equal(one["0.weight"], Regression().model[0].weight)
    for name, values in one.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(values, first[name], rtol=0, atol=1e-6)
    alone = json.loads((tmp_path / "one" / "0.json").read_text())
    assert sorted(map(tuple, served[0] + served[1])) == sorted(map(tuple, alone))
    lines = [read_metrics(tmp_path / n / "metrics.jsonl", "train") for n in ("one", "two")]
    for a, b in zip(*lines, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)
        assert (a["tokens"], a["offset"]) == (b["tokens"], b["offset"])
        assert b["seconds_communication"] > a["seconds_communication"] == 0


@pytest.mark.parametrize(("place", "rank"), [("gradient 0", 1), ("weight 2", 0), ("weight 2", 1)])
def test_ranks_skip_and_go_back_together(tmp_path: Path, place: str, rank: int) -> None:
    first, second = together(train_faulty, tmp_path, place, rank)
    assert first == second
    assert first["step"] == 40
    kinds = [alarm.kind for alarm in alarms_of(tmp_path)]
    back = ["not_finite"] * 2 + ["rewind"] if place in MEMORY else []
    assert kinds == ["not_finite", *back]
    weights = [load_file(tmp_path / f"{r}.safetensors") for r in range(2)]
    for name, values in weights[0].items():
        assert values.isfinite().all()
        assert torch.equal(values, weights[1][name])


def test_a_group_that_is_started_again_does_not_ask_for_those_before(tmp_path: Path) -> None:
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)

    def begin(rank: int, restarts: str) -> ForkServerProcess:
        there = rank_environment(rank, 2, store.port) | {"TORCHELASTIC_RESTART_COUNT": restarts}
        return start(collectives, tmp_path, log=tmp_path / f"log.{rank}", environment=there)

    assert [ended(process) for process in (begin(0, "0"), begin(1, "0"))] == [0, 0]
    left = store.num_keys()
    second = begin(1, "1")
    while store.num_keys() == left and second.is_alive():  # it comes long before the first one
        second.join(0.01)
    assert [ended(process) for process in (begin(0, "1"), second)] == [0, 0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_rank_that_is_gone_is_noticed(tmp_path: Path, how: int) -> None:
    with group(lose_the_other, (tmp_path, int(how)), tmp_path / "log") as (first, second):
        assert ended(first) == 3
        said = (tmp_path / "lost").read_text()
        assert "another process of this run has ended" in said
        assert "GLHF" not in said
        assert ".cc:" not in said
        assert second.exitcode in (-how, None)
