import json
from pathlib import Path
from statistics import pvariance

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fakes import tiny_config
from litebert.encoder.models import ClassificationModel
from litebert.foundation.errors import DataError, ModelFolderError
from litebert.tasks.kind import Encoded, Item
from litebert.tasks.prediction.evaluation import evaluate, evaluate_file
from litebert.tasks.prediction.outputs import open_rows, predict_file
from litebert.tasks.prediction.predictor import Predictor, load_predictor
from litebert.tasks.task import Example, NumberPrediction, RegressionTask
from litebert.tasks.texts.regression import REGRESSION
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import save_model
from small_models import sentences, write_csv

TEXTS = [text for text, _ in sentences(12)]


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> ClassificationModel:
    torch.manual_seed(1)
    config = tiny_config(vocab_size=tokenizer.vocab_size, initializer_range=0.5)
    return ClassificationModel(config, 1).eval()


@pytest.fixture(scope="module")
def numbers(model: ClassificationModel, tokenizer: Tokenizer) -> Predictor:
    return Predictor(model, tokenizer, RegressionTask(max_length=32))


def labelled(values: list[float]) -> list[Example]:
    return [
        Example(text, None, str(value), i + 2)
        for i, (text, value) in enumerate(zip(TEXTS, values, strict=False))
    ]


def test_a_prediction_is_the_models_number(numbers: Predictor):
    results = list(numbers.results(Example(text) for text in TEXTS))
    assert numbers.predict(TEXTS) == [NumberPrediction(r.value) for r in results]
    assert len({r.value for r in results}) == len(TEXTS)


def test_centre_and_scale_move_into_the_head_and_change_no_prediction(tokenizer: Tokenizer):
    torch.manual_seed(2)
    config = tiny_config(vocab_size=tokenizer.vocab_size, initializer_range=0.5)
    model = ClassificationModel(config, 1).eval()
    task = RegressionTask(max_length=32, center=1000.0, scale=250.0)
    before = Predictor(model, tokenizer, task).predict(TEXTS)
    finished = REGRESSION.finished(model, task, [])
    assert (finished.center, finished.scale) == (0.0, 1.0)
    after = Predictor(model, tokenizer, finished).predict(TEXTS)
    assert [p.score for p in after] == pytest.approx([p.score for p in before], rel=1e-5)


@given(st.floats(-1e4, 1e4), st.floats(0.1, 1e4), st.lists(st.floats(-5, 5), min_size=1))
def test_what_is_learnt_is_undone_by_decoding(center: float, scale: float, values: list[float]):
    task = RegressionTask(center=center, scale=scale)
    example = Example("a", None, str(values[0] * scale + center))
    (item,) = REGRESSION.items(example, Encoded(()), task)
    outputs = [[np.array([item.target], dtype=np.float32)]]
    decoded = REGRESSION.decode(example, Encoded(()), outputs, task)
    assert decoded == pytest.approx(example.score, rel=1e-5, abs=1e-5 * scale)


def test_several_models_are_averaged():
    outputs = [[np.array([v], dtype=np.float32)] for v in (1.0, 2.0, 6.0)]
    assert REGRESSION.decode(Example("a"), Encoded(()), outputs, RegressionTask()) == 3.0


def test_chance_is_the_variance():
    items = [Item((), value) for value in (0.0, 1.0, 5.0)]
    assert REGRESSION.chance_loss(RegressionTask(), items) == pvariance([0.0, 1.0, 5.0])


def test_the_evaluation_names_the_largest_errors_first(numbers: Predictor):
    values = [prediction.score for prediction in numbers.predict(TEXTS)]
    values[4] += 9
    values[7] -= 5
    evaluation = evaluate(numbers, labelled(values))
    assert [(error.line, round(error.score - error.predicted)) for error in evaluation.errors][
        :2
    ] == [(6, 9), (9, -5)]
    assert evaluation.metrics["mse"] == pytest.approx((81 + 25) / 12, rel=1e-4)
    assert evaluation.mean_mse == pytest.approx(pvariance(values))
    assert sum(one.examples for one in evaluation.lengths) == 12
    shown = evaluation.findings("rows of t.csv")
    assert "12 rows of t.csv" in shown.summary["Pearson"]
    assert "<svg" in shown.sections[0].blocks[0].svg


def test_a_table_of_numbers_is_scored(numbers: Predictor, tmp_path: Path):
    rows = [(text, str(i / 2)) for i, text in enumerate(TEXTS)]
    found = evaluate_file(numbers, write_csv(tmp_path / "t.csv", ("text", "label"), rows))
    assert found.examples == 12
    assert json.dumps(found.as_dict())
    with pytest.raises(DataError, match=r'line 2: "high" in column "label" is not a number'):
        evaluate_file(numbers, write_csv(tmp_path / "u.csv", ("text", "label"), [("a", "high")]))


def test_predictions_are_a_column_of_numbers(numbers: Predictor, tmp_path: Path):
    source = write_csv(tmp_path / "in.csv", ("text", "score"), [(text, "x") for text in TEXTS])
    predict_file(numbers, open_rows(numbers, source), tmp_path / "out.csv")
    header, *lines = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "text,score,predicted_score"
    found = [float(line.rpartition(",")[2]) for line in lines]
    assert found == pytest.approx([p.score for p in numbers.predict(TEXTS)], rel=1e-5)


def test_transformers_loads_it_as_a_regression(
    numbers: Predictor, model: ClassificationModel, tmp_path: Path
):
    transformers = pytest.importorskip("transformers")
    save_model(tmp_path / "m", model, numbers.tokenizer, numbers.task.as_dict())
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    assert theirs.config.problem_type == "regression"
    assert theirs.config.num_labels == 1
    for text, prediction in zip(TEXTS, numbers.predict(TEXTS), strict=True):
        ids = torch.tensor([numbers.tokenizer.pair(text, max_length=32).ids])
        with torch.inference_mode():
            assert float(theirs(ids).logits) == pytest.approx(prediction.score, abs=1e-5)
    (tmp_path / "m" / "task.json").unlink()  # as another tool would leave it
    assert load_predictor(tmp_path / "m").predict(TEXTS) == numbers.predict(TEXTS)


def test_a_head_that_does_not_fit_its_task_is_refused(
    numbers: Predictor, tokenizer: Tokenizer, tmp_path: Path
):
    wide = ClassificationModel(tiny_config(vocab_size=tokenizer.vocab_size), 3)
    save_model(tmp_path / "m", wide, tokenizer, numbers.task.as_dict())
    with pytest.raises(
        ModelFolderError, match="has 3 outputs, but its task, a regression, needs 1"
    ):
        load_predictor(tmp_path / "m")
