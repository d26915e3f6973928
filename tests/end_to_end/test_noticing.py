"""Runs that stay at chance and begin again, several seeds, models that answer together."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from litebert import load_predictor
from litebert.cli.main import main
from litebert.foundation.errors import ConfigError
from litebert.tasks.finetuning import run as finetuning
from litebert.tasks.finetuning.run import FinetuneOutcome, finetune
from litebert.tasks.texts.source import UserTable
from litebert.training.journal import ALARM, read_metrics
from small_models import labelled_csv, quick_settings, save_small_model, sentences, write_csv

QUICK = [
    *("--epochs", "1", "--learning-rate", "0.003", "--batch-size", "8"),
    *("--threads", "1", "--precision", "fp32"),
]
STUCK = {
    "course": {"steps": 24, "epochs": None, "patience": 0},
    "schedule": {"learning_rate": 3e-3, "warmup": 0},
    "training": {"batch_size": 8, "evaluate_every": 4, "keep": 100, "log_every": 2},
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def hopeless(tmp_path_factory) -> Path:
    """The same text with either label: nobody can be better than chance."""
    rows = [("the old house", "ab"[i % 2]) for i in range(64)]
    return write_csv(tmp_path_factory.mktemp("tables") / "t.csv", ("text", "label"), rows)


@pytest.fixture
def soon(monkeypatch) -> None:
    """Whether a run is stuck is asked after 8 steps, so that the test is short."""
    monkeypatch.setattr(finetuning, "FEWEST_UPDATES", 8)


def alarms(run: Path) -> list[dict[str, object]]:
    return [m for m in read_metrics(run / "metrics.jsonl") if m.get("event") == ALARM]


def untimed(run: Path) -> list[dict[str, object]]:
    lines = read_metrics(run / "metrics.jsonl")
    return [{k: v for k, v in line.items() if "second" not in k} for line in lines]


def test_a_run_at_chance_begins_again_at_a_third_of_its_rate_and_says_so(
    soon, base: Path, hopeless: Path, tmp_path: Path, capsys
):
    outcome = finetune(base, UserTable(hopeless), tmp_path / "run", quick_settings(**STUCK))
    assert outcome.result.state.watch.restarts == 2
    found = alarms(tmp_path / "run")
    assert [alarm["kind"] for alarm in found] == ["stuck"] * 3
    assert [alarm["batches"] for alarm in found] == [8, 16, 24]
    assert "begins again at a lower learning rate" in str(found[0]["text"])
    assert "nothing was learnt" in str(found[2]["text"])
    rates = [
        line["learning_rate"] for line in read_metrics(tmp_path / "run/metrics.jsonl", "train")
    ]
    assert max(rates) == pytest.approx(3e-3 / 9, rel=0.1)
    assert len(rates) == 12  # of the last attempt alone
    assert "begins again with learning rate 0.001" in capsys.readouterr().err
    assert "begins again with learning rate 0.000333" in (tmp_path / "run/log.txt").read_text()
    page = (tmp_path / "run" / "report.html").read_text()
    assert "is not under that of chance, 0.693" in page


@pytest.mark.parametrize("kept", [0, 4, 20])
def test_a_run_that_began_again_resumes_exactly(
    soon, base: Path, hopeless: Path, tmp_path: Path, kept: int
):
    source, settings = UserTable(hopeless), quick_settings(**STUCK)
    whole = finetune(base, source, tmp_path / "whole", settings)
    cut = tmp_path / "cut"
    shutil.copytree(whole.folder, cut)
    for path in (cut / "checkpoints").iterdir():
        if int(path.name.removeprefix("step-")) > kept:
            shutil.rmtree(path)
    shutil.rmtree(cut / "model")
    resumed = finetune(base, source, cut, settings, resume=True)
    assert resumed.result.state.watch == whole.result.state.watch
    weights = [run / "model" / "model.safetensors" for run in (cut, whole.folder)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert untimed(cut) == untimed(whole.folder)


def test_without_restarts_the_run_only_warns(soon, base: Path, hopeless: Path, tmp_path: Path):
    course = {**STUCK["course"], "restarts": 0}
    settings = quick_settings(**{**STUCK, "course": course})
    outcome = finetune(base, UserTable(hopeless), tmp_path / "run", settings)
    assert outcome.result.state.watch.restarts == 0
    (alarm,) = alarms(tmp_path / "run")
    assert "nothing was learnt:" in str(alarm["text"])


def test_a_run_that_learns_is_left_alone(base: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(finetuning, "FEWEST_UPDATES", 80)
    train = labelled_csv(tmp_path / "train.csv", 160)
    course = {**STUCK["course"], "steps": 90}
    settings = quick_settings(**{**STUCK, "course": course})
    finetune(base, UserTable(train), tmp_path / "run", settings)
    assert alarms(tmp_path / "run") == []


def test_seeds_give_mean_and_deviation_and_the_best_model(base: Path, tmp_path: Path, capsys):
    train = labelled_csv(tmp_path / "train.csv", 60)
    command = ["finetune", str(base), str(train), "--output", str(tmp_path / "runs"), *QUICK]
    assert main([*command, "--seeds", "2"]) == 0
    out = capsys.readouterr().out
    assert "mean ± sd" in out
    values = json.loads((tmp_path / "runs" / "seeds.json").read_text())
    assert list(values["metrics"]) == ["1", "2"]
    runs = [tmp_path / "runs" / f"seed-{seed}" for seed in (1, 2)]
    splits = [json.loads((run / "run.json").read_text())["settings"]["table"] for run in runs]
    assert [split["split_seed"] for split in splits] == [1, 1]
    chosen = tmp_path / "runs" / f"seed-{values['best']}" / "model" / "model.safetensors"
    model = tmp_path / "runs" / "model" / "model.safetensors"
    assert model.read_bytes() == chosen.read_bytes()
    page = (tmp_path / "runs" / "report.html").read_text()
    assert "seed 2" in page
    shutil.rmtree(runs[1] / "model")  # as if it had been killed there
    assert main([*command, "--seeds", "2", "--resume"]) == 0
    assert (runs[1] / "model").is_dir()
    assert main([*command, "--seeds", "2"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main([*command, "--seeds", "2", "--seed", "7", "--resume"]) == 2
    assert "begin with seed-1, not with seed 7" in capsys.readouterr().err
    assert not (tmp_path / "runs" / "seed-7").exists()


def test_seeds_have_no_place_in_a_run_of_one(base: Path, tmp_path: Path, capsys):
    train = labelled_csv(tmp_path / "train.csv", 60)
    command = ["finetune", str(base), str(train), *QUICK, "--output"]
    run, none, killed = (tmp_path / name for name in ("run", "none", "killed"))
    assert main([*command, str(run)]) == 0
    metrics = (run / "metrics.json").read_bytes()
    for more in (["--resume"], []):
        assert main([*command, str(run), "--seeds", "2", *more]) == 2
        assert "holds a run without --seeds" in capsys.readouterr().err
    assert (run / "metrics.json").read_bytes() == metrics
    assert not (run / "seed-1").exists()
    assert main([*command, str(none), "--seeds", "2", "--resume"]) == 2
    assert "holds no runs to resume" in capsys.readouterr().err
    assert not none.exists()
    (killed / "seed-1").mkdir(parents=True)  # as it is while the first one is loading
    assert main([*command, str(killed), "--seeds", "1"]) == 0


@pytest.fixture(scope="module")
def pair(base: Path, tmp_path_factory) -> tuple[FinetuneOutcome, FinetuneOutcome]:
    folder = tmp_path_factory.mktemp("pair")
    train = labelled_csv(folder / "train.csv", 60)
    first, second = (
        finetune(
            base, UserTable(train), folder / str(seed), quick_settings(training={"seed": seed})
        )
        for seed in (1, 2)
    )
    return first, second


def test_an_ensemble_averages_the_probabilities(
    pair: tuple[FinetuneOutcome, FinetuneOutcome],
):
    folders = [run.folder for run in pair]
    texts = [text for text, _ in sentences(12, seed=5)]
    alone = [load_predictor(folder).predict(texts) for folder in folders]
    together = load_predictor(folders).predict(texts)
    for first, second, both in zip(*alone, together, strict=True):
        mean = np.mean([list(p.probabilities.values()) for p in (first, second)], axis=0)
        assert list(both.probabilities.values()) == pytest.approx(mean.tolist())


def test_an_ensemble_is_scored_and_predicts_from_the_command_line(
    pair: tuple[FinetuneOutcome, FinetuneOutcome], tmp_path: Path, capsys
):
    first, second = (str(run.folder) for run in pair)
    test = labelled_csv(tmp_path / "test.csv", 20, seed=3)
    scores = ["--output", str(tmp_path / "scores")]
    assert main(["evaluate", first, str(test), "--with", second, *scores]) == 0
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert metrics["model"] == f"{first} with {second}"
    assert main(["predict", first, str(test), "--with", second]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[:1] == "{"]
    both = load_predictor([first, second]).predict([row["text"] for row in rows])
    found = [row["probability"] for row in rows]
    assert found == pytest.approx([p.probability for p in both], rel=1e-5)


def test_models_of_different_tasks_do_not_answer_together(
    pair: tuple[FinetuneOutcome, FinetuneOutcome], base: Path, tmp_path: Path
):
    rows = [(text, "yes" if label == "good" else "no") for text, label in sentences(40)]
    train = write_csv(tmp_path / "train.csv", ("text", "label"), rows)
    settings = quick_settings(course={"epochs": 1})
    other = finetune(base, UserTable(train), tmp_path / "other", settings)
    with pytest.raises(ConfigError, match=r"differ in labels \(\('bad', 'good'\) and"):
        load_predictor([pair[0].folder, other.folder])
    numbers = [(text, str(i % 7)) for i, (text, _) in enumerate(sentences(40))]
    train = write_csv(tmp_path / "numbers.csv", ("text", "label"), numbers)
    settings = quick_settings(course={"epochs": 1}, table={"kind": "regression"})
    number = finetune(base, UserTable(train), tmp_path / "number", settings)
    with pytest.raises(ConfigError, match=r"is a classification and .* a regression"):
        load_predictor([pair[0].folder, number.folder])
    with pytest.raises(ConfigError, match="no model folder is given"):
        load_predictor([])


def test_labels_that_look_like_a_quantity_are_remarked_on(base: Path, tmp_path: Path, capsys):
    rows = [(text, str(i % 25 / 2)) for i, (text, _) in enumerate(sentences(75))]
    train = write_csv(tmp_path / "train.csv", ("text", "label"), rows)
    finetune(base, UserTable(train), tmp_path / "run", quick_settings(course={"epochs": 1}))
    assert "25 different numbers: --kind regression" in capsys.readouterr().err
