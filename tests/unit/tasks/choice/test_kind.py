import math

import numpy as np
import pytest
import torch

from fakes import tiny_config
from litebert.encoder.models import ChoiceModel
from litebert.foundation.errors import DataError
from litebert.foundation.randomness import Position
from litebert.tasks.choice.kind import CHOICE, ChoicePrediction, ChoiceTask
from litebert.tasks.choice.questions import ChoiceExample
from litebert.tasks.features import Tally
from litebert.tasks.finetuning.trainable import Split, TaskTrainable
from litebert.tasks.kind import Encoded, Result
from litebert.tasks.prediction.predictor import Predictor, load_predictor
from litebert.weights.folder import save_model
from small_models import small_tokenizer
from small_questions import questions

TASK = ChoiceTask(max_length=32)
ROW = {"article": "the old house", "question": "a day", "options": ["cold", "kind and warm"]}


@pytest.fixture(scope="module")
def model() -> ChoiceModel:
    torch.manual_seed(0)
    config = tiny_config(vocab_size=small_tokenizer().vocab_size, initializer_range=0.5)
    return ChoiceModel(config).eval()


@pytest.fixture(scope="module")
def choices(model: ChoiceModel) -> Predictor:
    return Predictor(model, small_tokenizer(), TASK)


def trainable(model: ChoiceModel, **changes: object) -> TaskTrainable:
    four, three = questions(9), questions(8, seed=1, options=3)
    training = Split.of(CHOICE, [*four, *three], TASK, small_tokenizer())
    validation = Split.of(CHOICE, questions(6, seed=2), TASK, small_tokenizer())
    values = {"batch_size": 8, "seed": 1, "device": torch.device("cpu"), "micro_tokens": 200}
    return TaskTrainable(CHOICE, TASK, model, training, validation, **{**values, **changes})  # type: ignore[arg-type]


def test_a_prediction_has_the_likeliest_option_and_the_probability_of_each(choices):
    [prediction] = choices.predict([ROW])
    assert isinstance(prediction, ChoicePrediction)
    assert list(prediction.probabilities) == ["A", "B"]
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.probability == max(prediction.probabilities.values())
    assert prediction.option == ROW["options"]["AB".index(prediction.label)]


def test_a_question_gets_alone_what_it_gets_among_others(choices):
    rows = [
        {"article": e.article, "question": e.question, "options": list(e.options)}
        for e in [*questions(7), *questions(3, seed=1, options=2), *questions(2, options=26)]
    ]
    together = choices.predict(rows)
    assert [len(p.probabilities) for p in together] == [4] * 7 + [2] * 3 + [26] * 2
    for row, prediction in zip(rows, together, strict=True):
        [alone] = choices.predict([row])
        assert alone.label == prediction.label
        assert alone.probability == pytest.approx(prediction.probability, abs=1e-5)


def test_the_order_of_the_options_does_not_matter(choices):
    [first], [second] = (
        choices.predict([{**ROW, "options": options}])
        for options in (["cold", "kind"], ["kind", "cold"])
    )
    assert first.option == second.option
    assert first.probability == pytest.approx(second.probability, abs=1e-5)


def test_a_row_may_be_a_tuple(choices):
    assert choices.predict([tuple(ROW.values())]) == choices.predict([ROW])


BAD = [
    ({"article": "x", "question": "y"}, 'with "article", "question", "options": .* not one with'),
    ({**ROW, "options": "cold, warm"}, r'not one with .*"options" \(str\)'),
    ({**ROW, "options": ["cold", 3]}, "a text, a text and a list of texts"),
    ({**ROW, "article": None}, r'"article" \(NoneType\)'),
    ({**ROW, "options": ["cold"]}, "a row: 1 option where 2 to 26 are expected"),
    ("a text", "not a str"),
    (("x", "y"), "not a tuple"),
]


@pytest.mark.parametrize(("row", "message"), BAD)
def test_a_row_of_another_form_is_refused(choices, row, message):
    with pytest.raises(DataError, match=message):
        choices.predict([row])


def test_several_models_give_their_mean_probability():
    first, second = np.array([0.0, 1.0, 2.0]), np.array([3.0, 0.0, 0.0])
    value = CHOICE.decode(questions(1, options=3)[0], Encoded(()), [first, second], TASK)
    each = [np.exp(scores) / np.exp(scores).sum() for scores in (first, second)]
    assert np.allclose(np.exp(value), np.mean(each, axis=0))
    alone = CHOICE.decode(questions(1, options=3)[0], Encoded(()), [first], TASK)
    assert np.allclose(np.exp(alone), each[0])


def test_a_batch_is_one_loss_however_it_is_cut(model):
    totals = []
    for micro_tokens, micro_batch_size in ((10_000, None), (1, None), (10_000, 3)):
        task = trainable(model, micro_tokens=micro_tokens, micro_batch_size=micro_batch_size)
        parts, _ = task.batch(Position(0, 0))
        assert sum(part.weights["choice"] for part in parts) == 8
        terms = [task.losses(part)["choice"] for part in parts]
        totals.append(sum(float(term.total.detach()) for term in terms))
    assert totals == pytest.approx([totals[0]] * 3, abs=1e-4)


def test_the_loss_of_a_batch_is_that_of_its_predictions(model, choices):
    task = trainable(model, batch_size=17)
    [parts, _] = task.batch(Position(0, 0))
    total = sum(float(task.losses(part)["choice"].total.detach()) for part in parts)
    examples = [*questions(9), *questions(8, seed=1, options=3)]
    values = [result.value[result.example.label] for result in choices.results(examples)]
    assert total == pytest.approx(-sum(values), rel=1e-4)
    guess = (9 * math.log(4) + 8 * math.log(3)) / 17
    assert CHOICE.chance_loss(TASK, task.items) == pytest.approx(guess)


def test_validation_scores_every_level(model):
    scores = trainable(model).evaluate()
    assert set(scores) == {"loss", "accuracy", "middle", "high", "score"}


def test_what_loses_its_end_is_counted():
    tally = Tally()
    long = ChoiceExample("", "the house " * 40, "a day", ("cold", "warm"), 0)
    list(CHOICE.encode([long, *questions(1)], TASK, small_tokenizer(), tally))
    assert (tally.rows, tally.cut) == (2, 1)


def test_a_saved_model_is_loaded_with_its_task(model, choices, tmp_path):
    task = ChoiceTask(max_length=32, article_column="context")
    save_model(tmp_path / "model", model, small_tokenizer(), task.as_dict())
    loaded = load_predictor(tmp_path / "model")
    assert loaded.task == task
    row = {("context" if name == "article" else name): value for name, value in ROW.items()}
    assert loaded.predict([row]) == choices.predict([ROW])


def test_an_evaluation_is_beside_what_guesses_give(choices):
    examples = questions(40)
    results = list(choices.results(examples))
    evaluation = CHOICE.evaluate(results, TASK, ["a remark"])
    right = [r.value.argmax() == e.label for r, e in zip(results, examples, strict=True)]
    assert evaluation.metrics["accuracy"] == pytest.approx(np.mean(right))
    assert evaluation.counts == {"middle": 20, "high": 20}
    assert evaluation.guesses["chance"] == 0.25
    assert [m.example for m in evaluation.mistakes] == [
        result.example
        for result in sorted(results, key=lambda r: -r.value.max())
        if result.value.argmax() != result.example.label
    ][: len(evaluation.mistakes)]
    values = evaluation.as_dict()
    assert values["questions"] == {"all": 40, "middle": 20, "high": 20}
    assert values["remarks"] == ["a remark"]
    for rows in values["by_length"].values():
        assert sum(row["examples"] for row in rows) == 40
    assert sum(row["right"] for row in values["letters"]) == 40


def test_one_level_is_no_table_of_its_own(choices):
    examples = [
        ChoiceExample(e.id, e.article, e.question, e.options, e.label) for e in questions(5)
    ]
    evaluation = CHOICE.evaluate(list(choices.results(examples)), TASK, [])
    assert set(evaluation.metrics) == {"loss", "accuracy"}
    assert evaluation.counts == {}


def test_all_right_leaves_no_mistakes():
    examples = questions(3)
    values = [np.log(np.eye(4)[e.label] * 0.9 + 0.025) for e in examples]
    results = [Result(e, v, 1) for e, v in zip(examples, values, strict=True)]
    evaluation = CHOICE.evaluate(results, TASK, [])
    assert evaluation.mistakes == ()
    assert [section.heading for section in evaluation.findings().sections] == [
        *("Results by length", "By letter")
    ]
