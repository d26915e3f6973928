import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from litebert import load_predictor
from litebert.encoder.layout import Padded
from litebert.encoder.models import ClassificationModel
from litebert.foundation.errors import ConfigError, DataError, ModelFolderError
from litebert.tasks.features import Tally
from litebert.tasks.prediction.placement import InferenceSettings
from litebert.tasks.prediction.predictor import Predictor
from small_models import save_small_model, sentences

TEXTS = [text for text, _ in sentences(23)]


def test_predictions_are_the_models_softmax_in_the_order_of_the_rows(
    predictor: Predictor, classifier: ClassificationModel
):
    predictions = predictor.predict(TEXTS)
    assert len(predictions) == len(TEXTS)
    for text, prediction in zip(TEXTS, predictions, strict=True):
        encoding = predictor.tokenizer.pair(text, max_length=32)
        ids, segments = torch.tensor([encoding.ids]), torch.tensor([encoding.segment_ids])
        with torch.inference_mode():
            expected = classifier(ids, segments, Padded()).softmax(-1)[0]
        found = torch.tensor(list(prediction.probabilities.values()))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        assert tuple(prediction.probabilities) == predictor.task.labels
        assert prediction.label == predictor.task.labels[expected.argmax()]
        assert prediction.probability == max(prediction.probabilities.values())
        assert sum(prediction.probabilities.values()) == pytest.approx(1)


def test_a_row_may_be_a_text_or_a_mapping(predictor: Predictor):
    rows = [{"id": 7, "text": text} for text in TEXTS]
    assert predictor.predict(rows) == predictor.predict(TEXTS)


def test_a_row_of_a_pair_may_be_a_tuple_or_a_mapping(pair_predictor: Predictor):
    pairs = list(pairwise(TEXTS))
    rows = [{"question": a, "answer": b} for a, b in pairs]
    found = pair_predictor.predict(pairs)
    assert found == pair_predictor.predict(rows)
    assert found != pair_predictor.predict([(a, "") for a, _ in pairs])


def test_an_empty_second_text_makes_a_single_text(pair_predictor: Predictor, predictor: Predictor):
    (alone,) = predictor.predict(["the old house"])
    (paired,) = pair_predictor.predict([("the old house", " ")])
    # Two models computed apart: on some processors the last bits of a probability differ.
    assert paired.label == alone.label
    assert paired.probabilities == pytest.approx(alone.probabilities, abs=1e-5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a", "b"), r'a row of this model is a text \("text"\), not \(\'a\', \'b\'\)'),
        ({"sentence": "a", "id": "1"}, 'a row has no column "text"; it has: sentence, id'),
        ({"text": 5}, "a row of this model is a text"),
        ({"text": "x" * 500, "other": None}, None),
    ],
)
def test_rows_of_another_form_are_refused(predictor: Predictor, row, message: str | None):
    if message is None:
        assert len(predictor.predict([row])) == 1
        return
    with pytest.raises(DataError, match=message):
        predictor.predict([row])


@pytest.mark.parametrize("row", ["alone", ("a", "b", "c"), ("a", None)])
def test_a_pair_needs_two_texts(pair_predictor: Predictor, row):
    with pytest.raises(DataError, match=r'two texts \("question", "answer"\), not'):
        pair_predictor.predict([row])


def test_a_stream_counts_what_was_cut(predictor: Predictor):
    tally = Tally()
    list(predictor.stream(["the house " * 40, "a day", ""], tally))
    assert tally == Tally(rows=3, cut=1, empty=1)


def test_a_saved_model_predicts_as_before(predictor: Predictor, model_folder: Path):
    loaded = load_predictor(model_folder)
    assert loaded.task == predictor.task
    assert loaded.predict(TEXTS) == predictor.predict(TEXTS)
    run = model_folder.parent / "run"
    shutil.copytree(model_folder, run / "model")
    assert load_predictor(str(run)).predict(TEXTS[:2]) == predictor.predict(TEXTS[:2])


def test_low_precision_stays_near(model_folder: Path, predictor: Predictor):
    low = load_predictor(model_folder, InferenceSettings(precision="bf16", threads=1))
    assert low.settings.threads == 1
    for a, b in zip(low.predict(TEXTS), predictor.predict(TEXTS), strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=0.1)


def test_a_folder_without_task_takes_its_labels_from_the_configuration(
    model_folder: Path, tmp_path: Path, predictor: Predictor
):
    shutil.copytree(model_folder, tmp_path / "foreign")
    (tmp_path / "foreign" / "task.json").unlink()
    foreign = load_predictor(tmp_path / "foreign")
    assert foreign.task.labels == predictor.task.labels
    assert foreign.task.max_length == 32
    assert foreign.predict(["the house"]) == predictor.predict(["the house"])


def test_a_damaged_task_is_refused(model_folder: Path, tmp_path: Path):
    shutil.copytree(model_folder, tmp_path / "odd")
    path = tmp_path / "odd" / "task.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "kind": "tagging"}))
    with pytest.raises(ModelFolderError, match=r"odd/task\.json: kind"):
        load_predictor(tmp_path / "odd")


def test_a_model_that_was_not_fine_tuned_is_refused(tmp_path: Path):
    with pytest.raises(ModelFolderError, match="not fine-tuned"):
        load_predictor(save_small_model(tmp_path / "base"))
    with pytest.raises(ModelFolderError, match="does not exist"):
        load_predictor(tmp_path / "nowhere")


def test_a_budget_below_the_tasks_length_is_refused(model_folder: Path):
    with pytest.raises(ConfigError, match="max_tokens: 31 is less than one text may have"):
        load_predictor(model_folder, InferenceSettings(max_tokens=31))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(model_folder: Path):
    with pytest.raises(ConfigError, match="no GPU"):
        load_predictor(model_folder, InferenceSettings(device="cuda"))
