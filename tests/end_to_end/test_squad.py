"""SQuAD from its files to a model that answers questions, over the command line."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import litebert
from in_transformers import load_in_transformers
from litebert.cli.main import main
from litebert.encoder.models import AnswerableSpanModel, SpanModel
from litebert.weights.folder import load_model
from questions import squad_content, squad_folder, write_squad
from small_models import save_small_model

CONTEXT = "the bright morning over the old house. the river under a table."
OPTIONS = ("--threads", "1", "--precision", "fp32", "--device", "cpu")


def finetune(folder: Path, version: str, *options: str) -> int:
    if not (folder / "start").exists():
        save_small_model(folder / "start")
        squad_folder(folder / "data", version)
    given = ["--model", str(folder / "start"), "--output", str(folder / "run"), *OPTIONS, *options]
    if "--data" not in options:
        given += ["--data", str(folder / "data")]
    return main(["finetune", f"squad{version}", *given])


@pytest.fixture(scope="module", params=["1.1", "2.0"])
def run(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("squad")
    assert finetune(folder, request.param, "--steps", "6", "--batch-size", "6") == 0
    return folder


def answerable(run: Path) -> bool:
    return isinstance(load_model(run / "run"), AnswerableSpanModel)


def test_a_run_leaves_a_model_its_scores_and_its_answers_in_the_official_form(run):
    folder, asked = run / "run", squad_content(6, 4)["data"]
    ids = {row["id"] for article in asked for row in article["paragraphs"][0]["qas"]}
    assert json.loads((folder / "predictions.json").read_text("utf-8")).keys() == ids
    assert json.loads((folder / "nbest_predictions.json").read_text("utf-8")).keys() == ids
    assert (folder / "null_odds.json").exists() == answerable(run)
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["f1"] == metrics["official"]["f1"] / 100
    page, card = ((folder / n).read_text("utf-8") for n in ("report.html", "model/README.md"))
    assert "By question" in page
    if answerable(run):
        assert metrics["threshold_from"] in page
        assert metrics["threshold_from"] in card
        task = json.loads((folder / "model/task.json").read_text("utf-8"))
        assert task["threshold"] == metrics["threshold"]


def test_evaluating_the_validation_file_gives_the_same_scores(run, tmp_path):
    (file,) = (run / "data").glob("dev-*.json")
    out = tmp_path / "scores"
    assert main(["evaluate", str(run / "run"), str(file), "--output", str(out), *OPTIONS]) == 0
    first, again = (json.loads((f / "metrics.json").read_text()) for f in (run / "run", out))
    assert {k: v for k, v in again.items() if k in first} == {
        k: v for k, v in first.items() if k in again
    }
    answers = [(f / "predictions.json").read_text() for f in (run / "run", out)]
    assert answers[0] == answers[1]


def test_answers_never_replace_the_questions(run, tmp_path, capsys):
    asked = write_squad(tmp_path / "asked.json", squad_content(2, 3))
    before = asked.read_bytes()
    command = ["predict", str(run / "run"), str(asked), "--output", str(asked), *OPTIONS]
    assert main(command) == 2
    assert "is what is to be predicted" in capsys.readouterr().err
    assert asked.read_bytes() == before


@pytest.mark.parametrize("suffix", [".json", "", ".jsonl"])
def test_answers_to_a_file_of_questions_without_known_ones(run, tmp_path, suffix):
    content = squad_content(2, 3)
    for article in content["data"]:
        for row in article["paragraphs"][0]["qas"]:
            del row["answers"]
    asked = write_squad(tmp_path / "asked.json", content)
    out = tmp_path / f"answers{suffix}"
    command = ["predict", str(run / "run"), str(asked), "--output", str(out), *OPTIONS]
    assert main(command) == 0
    if suffix == ".jsonl":
        found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        for row in found:
            assert row["answer"] == (
                row["context"][row["start"] : row["end"]] if row["answer"] else ""
            )
        assert len(found) == 6
    else:
        answers = json.loads((out if suffix else out / "predictions.json").read_text("utf-8"))
        assert len(answers) == 6


def test_ones_own_rows_are_answered_in_tables_and_in_python(run, tmp_path):
    path, out = tmp_path / "own.csv", tmp_path / "answers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["question", "context"], ["Where is the river?", CONTEXT * 9], ["What?", " "]]
        )
    assert main(["predict", str(run / "run"), str(path), "--output", str(out), *OPTIONS]) == 0
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ["question", "context", "answer", "start", "end", "probability"]
    assert list(rows[0]) == names + ["null_odds"] * answerable(run)
    predictor = litebert.load_predictor(run / "run")
    said = predictor.predict([{name: row[name] for name in names[:2]} for row in rows])
    assert [row["answer"] for row in rows] == [one.answer for one in said]
    assert (
        rows[0]["answer"] == (CONTEXT * 9)[slice(said[0].start, said[0].end)] or not said[0].answer
    )
    assert said[1].answer == ""


def test_a_table_with_answers_is_scored_under_its_own_columns(run, tmp_path, capsys):
    path = tmp_path / "own.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["q", "page", "answer"], ["Where is it?", CONTEXT, "river"]])
    command = ["evaluate", str(run / "run"), str(path), *OPTIONS, "--question", "q"]
    assert main([*command, "--context", "page"]) == 0
    assert "1 rows of own.csv" in capsys.readouterr().out
    assert main([*command, "--text", "page"]) == 2
    assert "no column of a text" in capsys.readouterr().err


def test_the_model_of_1_1_loads_in_transformers(run):
    if not answerable(run):
        loaded = load_in_transformers(run / "run/model")
        assert type(loaded).__name__ == "AlbertForQuestionAnswering"
        assert isinstance(load_model(run / "run"), SpanModel)


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_a_resumed_run_is_the_uninterrupted_one(tmp_path, version):
    assert (
        finetune(tmp_path, version, "--steps", "4", "--batch-size", "6", "--save-every", "2") == 0
    )
    newest = tmp_path / "run/checkpoints/step-00000004"
    first = (newest / "model.safetensors").read_bytes()
    shutil.rmtree(newest)
    assert finetune(tmp_path, version, "--resume") == 0
    assert (newest / "model.safetensors").read_bytes() == first


def test_bad_data_gets_one_line_and_skip_bad_goes_on(tmp_path, capsys):
    content = squad_content(3, 4)
    content["data"][1]["paragraphs"][0]["qas"][2]["answers"][0]["text"] = "nowhere"
    bad = write_squad(tmp_path / "bad.json", content)
    options = ["--data", str(bad), "--steps", "2", "--batch-size", "4"]
    assert finetune(tmp_path, "1.1", *options) == 2
    error = capsys.readouterr().err
    assert 'bad.json, article 2 ("Article 1"), paragraph 1, question 3 ("a1q2")' in error
    assert "is not in its context" in error
    assert not (tmp_path / "run").exists()
    assert finetune(tmp_path, "1.1", *options, "--skip-bad") == 0
    assert "1 of 12 questions" in (tmp_path / "run/log.txt").read_text("utf-8")
