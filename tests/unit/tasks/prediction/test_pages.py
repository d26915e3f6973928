import json
from pathlib import Path

import pytest

from litebert.foundation.errors import StorageError
from litebert.tasks.prediction.evaluation import Evaluation, evaluate
from litebert.tasks.prediction.pages import write_evaluation, write_results
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.task import Example
from litebert.training.journal import Journal
from litebert.training.run_folder import RunRecord
from small_models import sentences

RECORD = RunRecord(
    "finetune",
    {"table": {"text": "text"}, "course": {"epochs": 2}},
    {
        "total_steps": 20,
        "machine": {"device": "cpu", "precision": "fp32", "threads": 1},
        "parameters": 1234,
        "rows": {"training": 90, "validation": 10},
        "start": "models/base",
    },
)


@pytest.fixture
def evaluation(predictor: Predictor) -> Evaluation:
    rows = [("<b>bold</b> & plain", "bad"), *sentences(30)]
    return evaluate(predictor, [Example(text, None, label, 2) for text, label in rows])


def test_a_fine_tuning_page_shows_scores_curves_and_confusion(
    evaluation: Evaluation, tmp_path: Path
):
    journal = Journal(tmp_path)
    for step in (10, 20):
        train = {"loss": 0.7, "learning_rate": 1e-4, "gradient_norm": 1.0, "seconds": 3.0}
        journal.record("train", step, train)
        journal.record("evaluation", step, {"loss": 0.6, "accuracy": 0.5, "macro_f1": 0.4})
    write_results(tmp_path, RECORD, evaluation, step=20, best_step=10)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["step"], metrics["best_step"]) == (20, 10)
    assert metrics["accuracy"] == evaluation.scores.accuracy
    assert metrics["confusion"] == [list(row) for row in evaluation.scores.confusion]
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 6
    for words in ("Macro-F1", "Learning rate", "models/base", "epochs", "so-so"):
        assert words in page
    assert "<b>bold" not in page


def test_an_evaluation_is_written_into_a_folder_of_its_own(
    predictor: Predictor, evaluation: Evaluation, tmp_path: Path
):
    folder = tmp_path / "evaluation"
    write_evaluation(folder, "run", "test.csv", evaluation)
    assert sorted(path.name for path in folder.iterdir()) == ["metrics.json", "report.html"]
    assert json.loads((folder / "metrics.json").read_text())["file"] == "test.csv"
    with pytest.raises(StorageError, match="not empty"):
        write_evaluation(folder, "run", "test.csv", evaluation)
