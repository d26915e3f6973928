"""From raw text to a pretrained model by the command line, interrupted and resumed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from litebert.cli.main import main
from litebert.training.checkpoint import list_checkpoints, step_of
from litebert.training.journal import read_metrics
from litebert.training.lock import lock_folder
from litebert.training.run_folder import RunRecord, begin_run, read_run
from litebert.training.watch import alarms_of
from litebert.weights.folder import load_pretraining_model
from small_runs import TINY, final_bytes, pretraining_command, stories_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder of 60 small stories."""
    return stories_corpus(tmp_path_factory.mktemp("text"))


def run(corpus: Path, folder: Path, *extra: str) -> int:
    return main(["pretrain", str(corpus), "--output", str(folder), *TINY, *extra])


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return next(line for line in error.splitlines() if line.startswith("litebert: "))


def test_a_model_learns_and_its_folder_is_whole(corpus: Path, tmp_path: Path) -> None:
    settings = ["--steps", "150", "--evaluate-every", "50", "--heldout", "0.2"]
    assert run(corpus, tmp_path / "run", *settings) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    held_out = read_metrics(tmp_path / "run" / "metrics.jsonl", "evaluation")
    assert [line["step"] for line in held_out] == [50, 100, 150]
    assert held_out[-1]["masked_lm_loss"] < record["resolved"]["unigram_loss"] - 0.4
    model = load_pretraining_model(tmp_path / "run")
    assert sum(p.numel() for p in model.parameters()) == record["resolved"]["parameters"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "left the plateau" in page
    assert {"environment.json", "log.txt", "checkpoints"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_terminated_and_resumed_run_ends_with_the_same_bytes(
    corpus: Path, tmp_path: Path, precision: str
) -> None:
    settings = ["--precision", precision, "--steps", "24", "--evaluate-every", "6"]
    settings += ["--hidden-dropout-prob", "0.1", "--attention-probs-dropout-prob", "0.1"]
    assert run(corpus, tmp_path / "whole", *settings) == 0
    command = [sys.executable, "-m", "litebert", "pretrain", str(corpus), *TINY, *settings]
    command += ["--output", str(tmp_path / "parts")]
    said = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            said.append(line)
            if line.startswith("step 6:"):
                process.terminate()
        assert process.wait() == 143, "".join(said)
    stopped = list_checkpoints(tmp_path / "parts" / "checkpoints")[-1]
    assert stopped.name < "step-00000024"
    assert (tmp_path / "parts" / "model" / "config.json").exists()
    assert run(corpus, tmp_path / "parts", *settings, "--resume") == 0
    assert final_bytes(tmp_path / "parts") == final_bytes(tmp_path / "whole")


def test_a_short_start_is_part_of_the_run_wherever_it_is_interrupted(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--steps", "24", "--save-every", "2", "--keep", "20", "--log-every", "1"]
    settings += ["--precision", "fp32", "--short-start", "0.5", "--short-length", "8"]
    assert run(corpus, tmp_path / "whole", *settings) == 0
    lines = read_metrics(tmp_path / "whole" / "metrics.jsonl", "train")
    assert [line["epoch"] for line in lines] == [0] * 11 + [1] * 13  # where it stands afterwards
    assert lines[0]["offset"] == 8 * 32 // 8
    assert alarms_of(tmp_path / "whole") == []
    for step in (6, 12, 14):  # before the long instances, at the first of them, after it
        part = tmp_path / f"from {step}"
        shutil.copytree(tmp_path / "whole", part)
        for checkpoint in list_checkpoints(part / "checkpoints"):
            if step_of(checkpoint) > step:
                shutil.rmtree(checkpoint)
        assert run(corpus, part, *settings, "--resume") == 0
        assert final_bytes(part) == final_bytes(tmp_path / "whole")
    assert run(corpus, tmp_path / "no", "--steps", "4", "--short-start", "4") == 2
    assert "short_start: 4 steps with short instances leave nothing of a run of 4" in refused(
        capsys
    )
    assert run(corpus, tmp_path / "no", "--steps", "4", *settings[-4:-1], "32") == 2
    assert "short_length: 32 is not shorter than data.max_length 32" in refused(capsys)
    assert not (tmp_path / "no").exists()


def test_accumulation_makes_the_same_updates(corpus: Path, tmp_path: Path) -> None:
    losses = []
    for name, extra in (("one", []), ("parts", ["--micro-batch-size", "3"])):
        assert run(corpus, tmp_path / name, "--steps", "6", "--precision", "fp32", *extra) == 0
        lines = read_metrics(tmp_path / name / "metrics.jsonl", "train")
        losses.append([line["masked_lm_loss"] for line in lines])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_resume_keeps_its_settings_and_may_change_how_it_saves(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert run(corpus, folder, "--steps", "4") == 0
    capsys.readouterr()
    again = ["pretrain", str(corpus), "--output", str(folder), "--resume"]
    assert main([*again, "--batch-size", "9"]) == 2
    assert "training.batch_size: 8 → 9" in refused(capsys)
    assert main([*again, "--keep", "3"]) == 0
    assert main(["pretrain", str(corpus), "--output", str(tmp_path / "no"), "--resume"]) == 2
    assert "holds no run to resume" in refused(capsys)


def test_a_finished_run_that_is_resumed_shows_its_scores_again(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(corpus, tmp_path / "run", "--steps", "3") == 0
    before = capsys.readouterr().out
    assert "held-out masked lm loss" in before
    assert run(corpus, tmp_path / "run", "--steps", "3", "--resume") == 0
    assert capsys.readouterr().out == before


def test_a_run_of_an_older_version_is_resumed_with_defaults_for_newer_settings(
    corpus: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    assert run(corpus, folder, "--steps", "3") == 0
    record = read_run(folder, "pretrain")
    older = {name: dict(section) for name, section in record.settings.items()}
    del older["watch"], older["machine"]["processes"], older["machine"]["timeout"]
    resolved = {name: value for name, value in record.resolved.items() if name != "processes"}
    (folder / "run.json").unlink()
    (folder / "metrics.jsonl").rename(tmp_path / "metrics.jsonl")
    shutil.move(folder / "checkpoints", tmp_path / "checkpoints")
    shutil.rmtree(folder)
    begin_run(folder, RunRecord("pretrain", older, resolved))
    shutil.move(tmp_path / "checkpoints", folder / "checkpoints")
    assert run(corpus, folder, "--steps", "3", "--resume") == 0


def test_another_budget_on_a_resume_is_named_as_a_change(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(corpus, tmp_path / "run", "--steps", "3") == 0
    again = ["pretrain", str(corpus), "--output", str(tmp_path / "run"), "--resume"]
    assert main([*again, "--minutes", "5"]) == 2
    assert "budget.minutes: None → 5.0; budget.steps: 3 → None" in refused(capsys)


def test_a_run_in_use_is_not_written_to(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lock_folder(tmp_path / "run"):
        assert run(corpus, tmp_path / "run", "--steps", "3") == 2
    assert f"in use by process {os.getpid()} on " in refused(capsys)
    assert not (tmp_path / "run").exists()


def test_a_run_that_diverges_says_so_and_leaves_a_report(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harmful = ["--steps", "60", "--max-gradient-norm", "0", "--optimizer", "adamw"]
    rate = ["--learning-rate", "1e30"]
    tiny = [option for option in TINY if option not in ("--learning-rate", "3e-3")]
    command = pretraining_command(corpus, tmp_path / "run", *tiny, *harmful, *rate)
    assert main(command) == 3
    said = capsys.readouterr().err
    assert "the run goes back to step" in said
    line = next(line for line in said.splitlines() if line.startswith("litebert: "))
    assert "gone back 3 times already: lower the learning rate" in line
    kinds = [alarm.kind for alarm in alarms_of(tmp_path / "run")]
    assert (kinds.count("rewind"), kinds[-1]) == (3, "stopped")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "The run has stopped: training does not get past step" in page
    assert not (tmp_path / "run" / "model").exists()


def test_too_many_processes_for_a_batch_are_refused(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(corpus, tmp_path / "run", "--steps", "3", "--processes", "9") == 2
    assert "9 processes cannot share a batch of 8" in refused(capsys)
    assert not (tmp_path / "run").exists()


def test_what_does_not_fit_is_refused_before_anything_is_written(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("keep me")
    recipe = tmp_path / "bad.toml"
    recipe.write_text("[training]\nbatch_sise = 3\n")
    folder = tmp_path / "run"
    cases = [
        ([str(corpus), "--output", str(taken), "--steps", "3"], "not empty"),
        ([str(corpus), "--output", str(folder)], "say how long to train"),
        ([str(corpus), "--output", str(folder), "--steps", "3", "--minutes", "1"], "choose one"),
        ([str(tmp_path / "none"), "--output", str(folder), "--steps", "3"], "does not exist"),
        ([str(tmp_path), "--output", str(folder), "--steps", "3"], "not a corpus folder"),
        ([str(corpus), "--output", str(folder), "--preset", "albert-bas-v2"], "albert-base-v2"),
        ([str(corpus), "--output", str(folder), "--settings", str(recipe)], '"batch_size"'),
        ([str(corpus), "--output", str(folder), "--steps", "3", "--max-length", "600"], "512"),
        ([str(corpus), "--output", str(folder), "--step", "3"], "--steps"),
        ([str(corpus), "--output", str(folder), "--steps", "0"], "steps: "),
        ([str(corpus), "--output", str(folder), "--steps", "5", "--warmup", "9"], "warm-up"),
    ]
    for arguments, words in cases:
        capsys.readouterr()
        assert main(["pretrain", *arguments]) == 2, arguments
        assert words in refused(capsys), arguments
    assert not folder.exists()
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]
