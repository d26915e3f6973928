"""litebert finetune, evaluate and predict, as a user types them."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest
import torch

from litebert.cli.main import main
from small_models import labelled_csv, save_small_model, sentences, write_csv

QUICK = [
    *("--epochs", "2", "--learning-rate", "0.003", "--batch-size", "8"),
    *("--threads", "1", "--precision", "fp32"),
]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def run(base: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    train = labelled_csv(folder / "train.csv", 60)
    assert main(["finetune", str(base), str(train), "--output", str(folder / "run"), *QUICK]) == 0
    return folder / "run"


def test_finetune_prints_scores_and_where_things_are(base: Path, tmp_path: Path, capsys):
    rows = [(label, text) for text, label in sentences(40)]
    train = write_csv(tmp_path / "train.csv", ("stars", "review"), rows)
    output = tmp_path / "run"
    columns = ["--text", "review", "--label", "stars"]
    assert main(["finetune", str(base), str(train), "--output", str(output), *columns, *QUICK]) == 0
    captured = capsys.readouterr()
    for words in ("precision", "macro-F1", "commonest label", "Confusion", str(output / "model")):
        assert words in captured.out
    assert "36 rows to train on, 4 to validate on" in captured.err
    assert (output / "report.html").is_file()


def test_finetune_reads_a_settings_file_and_the_command_line_wins(base: Path, tmp_path: Path):
    train = labelled_csv(tmp_path / "train.csv", 40)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[course]\nepochs = 9\nmetric = 'macro_f1'\n[machine]\nthreads = 1\n")
    command = ["finetune", str(base), str(train), "--output", str(tmp_path / "run")]
    assert main([*command, "--settings", str(recipe), "--epochs", "1"]) == 0
    settings = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]
    assert (settings["course"]["epochs"], settings["course"]["metric"]) == (1, "macro_f1")


def test_a_finished_run_resumes_to_the_same_end(run: Path, base: Path):
    model = (run / "model" / "model.safetensors").read_bytes()
    command = ["finetune", str(base), str(run.parent / "train.csv"), "--output", str(run)]
    assert main([*command, "--resume"]) == 0
    assert (run / "model" / "model.safetensors").read_bytes() == model
    assert main([*command, "--resume", "--epochs", "3"]) == 2


def test_evaluate_prints_and_writes_scores(run: Path, tmp_path: Path, capsys):
    test = labelled_csv(tmp_path / "test.csv", 30, seed=3)
    assert main(["evaluate", str(run), str(test), "--output", str(tmp_path / "scores")]) == 0
    out = capsys.readouterr().out
    assert "30 rows of test.csv" in out
    metrics = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert f"{metrics['accuracy']:.4f}" in out
    assert (tmp_path / "scores" / "report.html").is_file()
    assert main(["evaluate", str(run), str(test), "--output", str(tmp_path / "scores")]) == 2
    captured = capsys.readouterr()
    assert "exists and is not empty" in captured.err
    assert "scoring" not in captured.err  # it is said before anything is computed
    assert captured.out == ""


def test_predict_writes_a_file(run: Path, tmp_path: Path):
    rows = [(str(i), text) for i, (text, _) in enumerate(sentences(20, seed=4))]
    source = write_csv(tmp_path / "in.csv", ("id", "text"), rows)
    output = tmp_path / "out.csv"
    assert main(["predict", str(run), str(source), "--output", str(output)]) == 0
    with output.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["id"], row["text"]) for row in found] == rows
    assert {row["label"] for row in found} <= {"good", "bad"}


def test_predict_reads_standard_input_and_prints_json_lines(run: Path, capsys, monkeypatch):
    lines = io.TextIOWrapper(io.BytesIO(b"the old house\n" + b"the " * 100 + b"\n"))
    monkeypatch.setattr(sys, "stdin", lines)
    assert main(["predict", str(run), "-"]) == 0
    captured = capsys.readouterr()
    found = [json.loads(line) for line in captured.out.splitlines()]
    assert found[0]["text"] == "the old house"
    assert set(found[0]["probabilities"]) == {"good", "bad"}
    assert "1 of 2 texts was cut to 32 tokens" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["finetune", "{base}", "{test}"], "--output"),
        (["finetune", "{base}", "{test}", "--output", "{new}", "--text", "txt"], 'column "txt"'),
        (["finetune", "{base}", "{none}", "--output", "{new}"], "does not exist"),
        (["finetune", "{none}", "{test}", "--output", "{new}"], "does not exist"),
        (["finetune", "{base}", "{test}", "--output", "{new}", "--epochs", "0"], "epochs"),
        (["finetune", "{base}", "{test}", "--output", "{new}", "--epoch", "1"], "--epoch"),
        (["finetune", "{base}", "{test}", "--output", "{new}", "--max-length", "99"], "32 tokens"),
        (["finetune", "{base}", "{test}", "--output", "{run}"], "not empty"),
        (["finetune", "{base}", "{test}", "--output", "{new}", "--resume"], "no run to resume"),
        (["evaluate", "{base}", "{test}"], "not fine-tuned"),
        (["evaluate", "{run}", "{test}", "--label", "text"], "training has not seen"),
        (["evaluate", "{run}", "{test}", "--output", "{run}"], "not empty"),
        (["predict", "{run}", "{none}", "--output", "{new}.csv"], "does not exist"),
        (["predict", "{run}", "{test}", "--output", "{new}"], ".csv or .jsonl"),
        (["predict", "{run}", "{test}", "--output", "{new}.csv", "--text", "x"], 'column "x"'),
        (
            ["predict", "{run}", "{test}", "--output", "{new}.csv", "--max-tokens", "5"],
            "max_tokens",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, base: Path, run: Path, tmp_path: Path, capsys
):
    test = labelled_csv(tmp_path / "test.csv", 10)
    places = {"base": base, "run": run, "test": test, "none": tmp_path / "none.csv"}
    filled = [argument.format(**places, new=tmp_path / "new") for argument in arguments]
    assert main(filled) == 2
    captured = capsys.readouterr()
    (line,) = [line for line in captured.err.splitlines() if line.startswith("litebert:")]
    assert message in line
    assert "Traceback" not in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["test.csv"]
