"""GLUE from its official files to scores and the zip that is handed in, with a very small model."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from litebert.cli.main import main
from litebert.tasks.glue.tasks import GLUE
from official_glue import write_glue
from small_models import save_small_model

QUICK = ["--steps", "3", "--batch-size", "8", "--max-length", "32", "--threads", "1"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def glue(tmp_path_factory) -> Path:
    return write_glue(tmp_path_factory.mktemp("data") / "glue")


@pytest.fixture(scope="module")
def mnli(base: Path, glue: Path, tmp_path_factory) -> Path:
    return tuned("mnli", base, glue, tmp_path_factory.mktemp("runs") / "mnli")


def tuned(task: str, base: Path, glue: Path, output: Path, *more: str) -> Path:
    places = ["--model", str(base), "--data", str(glue), "--output", str(output)]
    assert main(["finetune", task, *places, *QUICK, *more]) == 0
    return output


def test_the_papers_values_are_taken_and_recorded(mnli: Path):
    record = json.loads((mnli / "run.json").read_text())
    settings, preset = record["settings"], record["resolved"]["preset"]
    assert (preset["learning_rate"], preset["batch_size"], preset["steps"]) == (3e-5, 128, 10000)
    assert settings["schedule"]["learning_rate"] == 3e-4  # what a model 32 wide bears
    assert settings["schedule"]["warmup"] == 0.1
    assert settings["course"]["encoder_dropout"] == 0.0
    assert (settings["course"]["steps"], settings["training"]["batch_size"]) == (3, 8)
    task = json.loads((mnli / "model" / "task.json").read_text())
    assert (task["dataset"], task["metric"]) == ("mnli", "accuracy")


def test_mnli_is_scored_on_both_halves_and_handed_in_with_the_diagnostic(
    mnli: Path, glue: Path, tmp_path: Path, capsys
):
    assert main(["evaluate", str(mnli), str(glue), "--output", str(tmp_path / "scores")]) == 0
    out = capsys.readouterr().out
    assert "12 rows of mnli, dev\n" in out
    assert "12 rows of mnli, dev_mismatched\n" in out
    assert (tmp_path / "scores" / "dev_mismatched" / "report.html").is_file()
    zips = {"mnli": tmp_path / "mnli.zip", "ax": tmp_path / "ax.zip"}
    for task, path in zips.items():
        command = ["predict", str(mnli), str(glue), "--task", task, "--output", str(path)]
        assert main(command) == 0
    with zipfile.ZipFile(zips["mnli"]) as archive:
        assert archive.namelist() == ["MNLI-m.tsv", "MNLI-mm.tsv"]
        lines = archive.read("MNLI-mm.tsv").decode().splitlines()
    assert (lines[0], len(lines)) == ("index\tprediction", 13)
    assert {line.split("\t")[1] for line in lines[1:]} <= {
        *("contradiction", "entailment", "neutral")
    }
    with zipfile.ZipFile(zips["ax"]) as archive:
        assert archive.namelist() == ["AX.tsv"]


def test_a_regression_starts_from_the_mnli_model_with_a_new_head(
    mnli: Path, glue: Path, tmp_path: Path, capsys
):
    run = tuned("sts-b", mnli, glue, tmp_path / "sts-b")
    err = capsys.readouterr().err
    assert "the encoder of" in err
    assert "its head for mnli is left out" in err
    metrics = json.loads((run / "metrics.json").read_text())
    assert {"pearson", "spearman", "mse"} <= metrics.keys()
    assert main(["evaluate", str(run), str(glue)]) == 0
    assert "Pearson" in capsys.readouterr().out
    assert main(["predict", str(run), str(glue), "--output", str(tmp_path / "out.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        lines = archive.read("STS-B.tsv").decode().splitlines()[1:]
    assert all(0 <= float(line.split("\t")[1]) <= 5 for line in lines)


@pytest.mark.parametrize("task", ["cola", "mrpc", "qqp"])
def test_the_official_score_chooses_the_checkpoint(
    task: str, base: Path, glue: Path, tmp_path: Path
):
    run = tuned(task, base, glue, tmp_path / task)
    task_file = json.loads((run / "model" / "task.json").read_text())
    assert task_file["metric"] == ("matthews" if task == "cola" else "accuracy")
    metrics = json.loads((run / "metrics.json").read_text())
    assert {"accuracy", "f1", "matthews"} <= metrics.keys()


def test_an_interrupted_run_of_a_named_task_resumes(base: Path, glue: Path, tmp_path: Path):
    run = tuned("rte", base, glue, tmp_path / "rte")
    model = (run / "model" / "model.safetensors").read_bytes()
    tuned("rte", base, glue, run, "--resume")
    assert (run / "model" / "model.safetensors").read_bytes() == model


def test_a_bad_row_is_named_and_left_out_where_asked(base: Path, tmp_path: Path, capsys):
    glue = write_glue(tmp_path / "glue", tasks=["rte"])
    path = glue / "RTE" / "train.tsv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("entailment", "entailmnt")
    lines[5] = lines[5].rpartition("\t")[0]
    path.write_text("\r\n".join(lines) + "\r\n")
    output = tmp_path / "run"
    places = ["--model", str(base), "--data", str(glue), "--output", str(output)]
    assert main(["finetune", "rte", *places, *QUICK]) == 2
    err = capsys.readouterr().err
    assert "train.tsv, line 4" in err
    assert "2 rows are bad in all: mend them, or go on without (--skip-bad)" in err
    assert not output.exists()
    assert main(["finetune", "rte", *places, *QUICK, "--skip-bad"]) == 0
    assert "2 of 24 rows left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["snt-2", "--model", "{base}", "--data", "{glue}"], 'did you mean "sst-2"?'),
        (["sst-2", "--model", "{base}"], "sst-2 needs --data as well"),
        (["sst-2", "--data", "{glue}"], "sst-2 needs --model as well"),
        (["sst-2"], "sst-2 needs a model to start from (--model) and its files (--data)"),
        (["{base}"], "no labelled table is given"),
        (["sst-2", "t.csv", "--model", "{base}", "--data", "{glue}"], "has no place beside it"),
        (["ax", "--model", "{base}", "--data", "{glue}"], "ax has no training set"),
        (["sst-2", "--model", "{base}", "--data", "{base}"], "name GLUE's folder or the task's"),
        (["sst-2", "--model", "{base}", "--data", "{glue}", "--metric", "f2"], "no score of"),
        (
            ["sst-2", "--model", "{base}", "--data", "{glue}", "--steps", "2", "--epochs", "2"],
            "both given",
        ),
    ],
)
def test_a_wrong_combination_is_one_line(
    arguments: list[str], message: str, base: Path, glue: Path, tmp_path: Path, capsys
):
    filled = [argument.format(base=base, glue=glue) for argument in arguments]
    assert main(["finetune", *filled, "--output", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "run").exists()


def test_what_the_model_was_not_trained_for_is_refused(mnli: Path, glue: Path, capsys):
    assert main(["evaluate", str(mnli), str(glue), "--task", "rte"]) == 2
    assert "predicts contradiction, entailment, neutral, but rte asks" in capsys.readouterr().err
    assert main(["evaluate", str(mnli), str(glue), "--task", "ax"]) == 2
    assert main(["evaluate", str(mnli), str(glue), "--split", "test"]) == 2
    assert main(["predict", str(mnli), str(glue)]) == 2
    assert "name it (--output)" in capsys.readouterr().err


def test_glue_runs_what_is_there_and_prints_the_papers_row(base: Path, tmp_path: Path, capsys):
    glue = write_glue(tmp_path / "glue", tasks=["mnli", "rte", "sts-b", "ax"])
    output = tmp_path / "all"
    places = ["--model", str(base), "--data", str(glue), "--output", str(output)]
    assert main(["glue", *places, *QUICK]) == 0
    captured = capsys.readouterr()
    row = captured.out.split("average", 1)[1].splitlines()[1].split()
    values = json.loads((output / "glue.json").read_text())
    assert values["scores"]["mnli"].keys() == {"accuracy", "accuracy_mismatched"}
    shown = {name: f"{100 * value:.1f}" for name, value in values["row"].items()}
    assert row == [
        *(shown["mnli"], "–", "–", shown["rte"], "–", "–", "–", shown["sts-b"]),
        f"{100 * values['average']:.1f}",
    ]
    assert captured.err.count("(its head for mnli is left out)") == 2
    with zipfile.ZipFile(output / "submission.zip") as archive:
        names = ["AX.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "RTE.tsv", "STS-B.tsv"]
        assert archive.namelist() == names
    (output / "sts-b" / "metrics.json").unlink()  # as if it had been killed at its end
    (output / "glue.json").unlink()
    assert main(["glue", *places, *QUICK, "--resume"]) == 0
    again = capsys.readouterr()
    assert again.err.count("is done already") == 2
    assert json.loads((output / "glue.json").read_text()) == values


def test_glue_of_several_seeds_has_their_medians(base: Path, tmp_path: Path, capsys):
    glue = write_glue(tmp_path / "glue", tasks=["mnli", "rte"])
    output = tmp_path / "all"
    places = ["--model", str(base), "--data", str(glue), "--output"]
    command = ["glue", *QUICK, "--seed", "4", *places]
    assert main([*command, str(output), "--seeds", "3"]) == 0
    assert "mean ± sd" in capsys.readouterr().out
    values = json.loads((output / "glue.json").read_text())
    for name in ("accuracy", "accuracy_mismatched"):
        each = values["seeds"]["mnli"][name]
        assert len(each) == 3
        assert values["scores"]["mnli"][name] == sorted(each)[1]
    runs = [output / "rte" / f"seed-{seed}" for seed in (4, 5, 6)]
    scores = [json.loads((run / "metrics.json").read_text())["accuracy"] for run in runs]
    assert values["seeds"]["rte"]["accuracy"] == scores
    assert values["row"]["rte"] == sorted(scores)[1]
    record = json.loads((runs[0] / "run.json").read_text())
    assert record["resolved"]["start"].endswith("mnli")
    capsys.readouterr()
    assert main(["runs", str(output)]) == 0  # the runs of all tasks, side by side
    assert "rte/seed-6" in capsys.readouterr().out

    assert main([*command, str(output), "--seeds", "3", "--resume"]) == 0
    assert capsys.readouterr().err.count("is done already") == 2
    assert json.loads((output / "glue.json").read_text()) == values
    none = tmp_path / "none"
    assert main([*command, str(none), "--seeds", "0"]) == 2
    assert "seeds: one or more are needed" in capsys.readouterr().err
    assert not none.exists()


def test_glue_resumes_with_the_settings_it_began_with(base: Path, tmp_path: Path, capsys):
    glue = write_glue(tmp_path / "glue", tasks=["rte"])
    places = ["--model", str(base), "--data", str(glue), "--output", str(tmp_path / "all")]
    assert main(["glue", *places, *QUICK]) == 0
    capsys.readouterr()
    assert main(["glue", *places, *QUICK, "--learning-rate", "1e-5", "--resume"]) == 2
    assert "schedule.learning_rate" in capsys.readouterr().err
    assert main(["glue", *places, *QUICK, "--seeds", "2", "--resume"]) == 2
    assert "seeds: None → 2" in capsys.readouterr().err
    (tmp_path / "all" / "glue.json").unlink()
    assert main(["glue", *places, "--resume"]) == 0  # as it was begun, though nothing is repeated
    assert "rte is done already" in capsys.readouterr().err


def test_what_ends_the_first_task_leaves_nothing_and_the_rest_goes_on(
    base: Path, tmp_path: Path, capsys
):
    glue = write_glue(tmp_path / "glue", tasks=["cola", "rte"])
    output = tmp_path / "all"
    command = ["glue", "--model", str(base), "--data", str(glue), "--output", str(output), *QUICK]
    bad = {name: glue / name / "train.tsv" for name in ("CoLA", "RTE")}
    good = {name: path.read_text() for name, path in bad.items()}
    for name, path in bad.items():
        path.write_text(good[name] + "short\n")
    assert main(command) == 2
    assert "CoLA/train.tsv, line 25" in capsys.readouterr().err
    assert not output.exists()
    bad["CoLA"].write_text(good["CoLA"])
    assert main(command) == 2
    assert "RTE/train.tsv, line 26" in capsys.readouterr().err
    bad["RTE"].write_text(good["RTE"])
    assert main([*command, "--resume"]) == 0
    assert "cola is done already" in capsys.readouterr().err
    assert json.loads((output / "glue.json").read_text())["scores"].keys() == {"cola", "rte"}


def test_rows_left_out_are_left_out_on_a_resume_too(base: Path, tmp_path: Path):
    glue = write_glue(tmp_path / "glue", tasks=["mnli", "ax"])
    other = glue / "MNLI" / "dev_mismatched.tsv"
    other.write_text(other.read_text() + "short\n")
    command = ["glue", "--model", str(base), "--data", str(glue), "--output", str(tmp_path / "all")]
    assert main([*command, *QUICK]) == 2
    assert main([*command, *QUICK, "--skip-bad"]) == 0
    assert main([*command, "--resume"]) == 0
    diagnostic = GLUE["ax"]
    (glue / diagnostic.folder / diagnostic.files["test"]).write_text("index\n0\n")
    assert main([*command[:-1], str(tmp_path / "other"), *QUICK, "--skip-bad"]) == 2
    assert not (tmp_path / "other").exists()


def test_glue_goes_on_after_a_kill_between_and_in_seeds(base: Path, tmp_path: Path, capsys):
    glue = write_glue(tmp_path / "glue", tasks=["rte"])
    output = tmp_path / "all"
    command = ["glue", "--model", str(base), "--data", str(glue), "--output", str(output), *QUICK]
    assert main([*command, "--seeds", "2"]) == 0
    values = json.loads((output / "glue.json").read_text())
    (output / "rte" / "seed-2" / "metrics.json").unlink()
    assert main([*command, "--resume"]) == 0
    assert json.loads((output / "glue.json").read_text()) == values
    shutil.rmtree(output / "rte")
    (output / "rte" / "seed-1").mkdir(parents=True)  # as it is while the first one is loading
    assert main([*command, "--resume"]) == 0
    assert json.loads((output / "glue.json").read_text()) == values


def test_a_fault_in_a_test_file_is_said_before_anything_is_trained(
    base: Path, tmp_path: Path, capsys
):
    glue = write_glue(tmp_path / "glue", tasks=["rte"])
    path = glue / "RTE" / "test.tsv"
    path.write_text(path.read_text() + "short\n")
    output = tmp_path / "all"
    command = ["glue", "--model", str(base), "--data", str(glue), "--output", str(output), *QUICK]
    assert main(command) == 2
    err = capsys.readouterr().err
    assert "test.tsv" in err
    assert "go on without (--skip-bad)" in err
    assert not output.exists()
    assert main([*command, "--skip-bad"]) == 0  # and the advice holds
    assert "RTE.tsv lacks rows, and GLUE's site wants them all: 1 of" in capsys.readouterr().err


def test_glue_says_which_tasks_have_no_files(base: Path, tmp_path: Path, capsys):
    glue = write_glue(tmp_path / "glue", tasks=["rte", "ax"])
    places = ["--model", str(base), "--data", str(glue), "--output", str(tmp_path / "some")]
    assert main(["glue", *places, *QUICK]) == 0
    captured = capsys.readouterr()
    line = next(line for line in captured.out.splitlines() if "without files" in line)
    assert line.endswith("mnli, cola, sst-2, mrpc, sts-b, qqp, qnli, wnli")
    assert main(["glue", *places, "--task", "ret"]) == 2
    assert 'did you mean "rte"?' in capsys.readouterr().err
    empty = ["--model", str(base), "--data", str(base), "--output", str(tmp_path / "none")]
    assert main(["glue", *empty]) == 2
    assert "the training and development files of no task" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
