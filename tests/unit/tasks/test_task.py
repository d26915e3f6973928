import pytest

from litebert.foundation.errors import ModelFolderError
from litebert.tasks.task import ClassificationTask, Prediction


def test_a_task_is_stored_and_read_back():
    task = ClassificationTask(
        labels=("no", "yes"), text_column="review", pair_column="reply", max_length=64
    )
    assert ClassificationTask.stored(task.as_dict(), "folder") == task


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"labels": ["a"]}, r"models/base/task\.json: labels: .*at least 2"),
        ({"labels": ["a", "a"]}, "labels must differ"),
        ({"labels": ["a", "b"], "kind": "tagging"}, "kind"),
        ({"labels": ["a", "b", "c"], "metric": "f1"}, "here are 3: macro_f1"),
        ({"labels": ["a", "b"], "lables": 1}, 'unknown key "lables", did you mean "labels"'),
    ],
)
def test_a_damaged_task_is_refused(values: dict[str, object], message: str):
    with pytest.raises(ModelFolderError, match=message):
        ClassificationTask.stored(values, "models/base")


def test_a_prediction_takes_the_likeliest_label():
    assert Prediction.of(["a", "b"], [0.25, 0.75]) == Prediction("b", 0.75, {"a": 0.25, "b": 0.75})
    assert Prediction.of(["a", "b"], [0.5, 0.5]).label == "a"
