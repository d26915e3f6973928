"""Multiple choice from RACE's files and from the user's own table, with a very small model."""

import csv
import json
from pathlib import Path

import pytest
import torch

from in_transformers import load_in_transformers
from litebert import load_predictor
from litebert.cli.main import main
from litebert.tasks.features import Tally
from small_models import save_small_model, write_csv
from small_questions import questions, write_questions, write_race

QUICK = ["--batch-size", "8", "--threads", "1", "--precision", "fp32", "--device", "cpu"]
LEARN = ["--epochs", "4", "--learning-rate", "0.003", "--max-length", "32", *QUICK]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def race(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for seed, (split, count) in enumerate({"train": 160, "dev": 24, "test": 12}.items()):
        write_race(root, split, questions(count, seed))
    return root


@pytest.fixture(scope="module")
def run(base: Path, race: Path, tmp_path_factory) -> Path:
    return tuned(base, race, tmp_path_factory.mktemp("runs") / "run")


def tuned(base: Path, data: Path, output: Path, *more: str) -> Path:
    places = ["--model", str(base), "--data", str(data), "--output", str(output)]
    assert main(["finetune", "race", *places, *LEARN, *more]) == 0
    return output


def test_a_model_learns_race_and_shows_its_scores_and_mistakes(run: Path):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.9
    assert metrics["questions"] == {"all": 24, "middle": 12, "high": 12}
    assert {"middle", "high", "chance_accuracy", "word_overlap_accuracy"} <= metrics.keys()
    record = json.loads((run / "run.json").read_text())
    assert record["resolved"]["preset"]["steps"] == 12000
    assert [line.split()[0] for line in record["resolved"]["inputs"]["files"]] == [
        *("middle", "high", "middle", "high")
    ]
    report = (run / "report.html").read_text()
    assert "Results by length" in report
    card = (run / "model" / "README.md").read_text()
    assert "AutoModelForMultipleChoice" in card
    assert f"| all | {metrics['accuracy']:.4f} | 24 |" in card


def test_the_folder_gives_the_same_scores_in_transformers(run: Path):
    predictor, theirs = load_predictor(run), load_in_transformers(run / "model")
    assert type(theirs).__name__ == "AlbertForMultipleChoice"
    for example in questions(4, seed=9):
        row = {"article": example.article, "question": example.question}
        [prediction] = predictor.predict([{**row, "options": list(example.options)}])
        [encoded] = predictor.kind.encode([example], predictor.task, predictor.tokenizer, Tally())
        sequences = list(encoded.sequences)
        longest = max(map(len, sequences))
        given = {
            name: torch.tensor(
                [[*values.tolist(), *[0] * (longest - len(values))] for values in rows]
            )
            for name, rows in {
                "input_ids": [s.ids for s in sequences],
                "token_type_ids": [s.segment_ids for s in sequences],
                "attention_mask": [s.ids * 0 + 1 for s in sequences],
            }.items()
        }
        with torch.no_grad():
            logits = theirs(**{name: values[None] for name, values in given.items()}).logits
        expected = logits.softmax(-1)[0].tolist()
        assert list(prediction.probabilities.values()) == pytest.approx(expected, abs=1e-5)


def test_the_other_splits_are_scored_and_predicted(run: Path, race: Path, tmp_path: Path, capsys):
    scores = tmp_path / "scores"
    command = ["evaluate", str(run), str(race), "--split", "test", "--output", str(scores)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "12 rows of race, test" in out
    assert "word overlap" in out
    output = tmp_path / "test.jsonl"
    assert main(["predict", str(run), str(race), "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    examples = {example.id: example for example in questions(12, seed=2)}
    assert [row["id"] for row in rows if row["level"] == "middle"][:2] == ["0.txt#1", "0.txt#2"]
    right = sum(
        examples[row["id"]].options[examples[row["id"]].label] == row["option"] for row in rows
    )
    metrics = json.loads((scores / "metrics.json").read_text())
    assert right / len(rows) == pytest.approx(metrics["accuracy"])
    assert main(["predict", str(run), str(race), "--output", str(tmp_path / "a.zip")]) == 2


def test_one_level_can_be_learnt_alone(base: Path, race: Path, tmp_path: Path):
    places = ["--model", str(base), "--data", str(race), "--output", str(tmp_path / "run")]
    assert main(["finetune", "race", *places, "--level", "high", "--steps", "2", *QUICK]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["resolved"]["rows"] == {"training": 80, "validation": 12}
    assert record["settings"]["race"]["level"] == "high"


def test_questions_of_a_table_are_learnt_evaluated_and_predicted(
    base: Path, tmp_path: Path, capsys
):
    train = write_questions(tmp_path / "train.jsonl", [*questions(120), *questions(40, 1, 3)])
    run = tmp_path / "run"
    command = ["finetune", str(base), str(train), "--kind", "choice", "--output", str(run)]
    assert main([*command, *LEARN]) == 0
    test = questions(20, seed=5, options=3)
    header = ("context", "question", "option_a", "option_b", "option_c", "answer")
    rows = [(e.article, e.question, *e.options, e.options[e.label]) for e in test]
    table = write_csv(tmp_path / "test.csv", header, rows)
    assert main(["evaluate", str(run), str(table), "--article", "context"]) == 0
    assert "20 rows of test.csv" in capsys.readouterr().out
    output = tmp_path / "out.csv"
    command = ["predict", str(run), str(table), "--article", "context", "--output", str(output)]
    assert main(command) == 0
    with output.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == [*header, "label", "option", "probability", "probabilities"]
    right = [row["option"] == row["answer"] for row in found]
    assert sum(right) / len(right) > 0.8
    assert json.loads(found[0]["probabilities"]).keys() == {"A", "B", "C"}
    assert main(["evaluate", str(run), str(table), "--text", "context"]) == 2
    words = " ".join(capsys.readouterr().err.split())
    assert "reads no column of a text: it reads article and question and options" in words


def test_a_bad_question_is_named_or_left_out(base: Path, race: Path, tmp_path: Path, capsys):
    data = write_race(tmp_path, "train", questions(20))
    write_race(tmp_path, "dev", questions(4, seed=1))
    bad = data / "RACE" / "train" / "high" / "1.txt"
    article = json.loads(bad.read_text())
    bad.write_text(json.dumps({**article, "answers": ["A", "F"]}))
    places = ["--model", str(base), "--data", str(data), "--output", str(tmp_path / "run")]
    command = ["finetune", "race", *places, "--steps", "2", *QUICK]
    assert main(command) == 2
    assert f"{bad}, line 1, question 2: its answer is 'F', not one of A, B, C, D" in (
        capsys.readouterr().err.replace("\n", " ").replace("  ", " ")
    )
    assert not (tmp_path / "run").exists()
    assert main([*command, "--skip-bad"]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["resolved"]["rows"]["training"] == 19
    assert "1 of 20 questions left out" in (tmp_path / "run" / "log.txt").read_text()
