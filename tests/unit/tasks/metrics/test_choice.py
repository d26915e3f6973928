import pytest

from litebert.tasks.metrics import choice_scores


def test_every_level_has_its_own_accuracy():
    scores = choice_scores([0, 1, 2, 3], [0, 1, 2, 0], ["middle", "high", "high", "high"])
    assert scores == {"accuracy": 0.75, "middle": 1.0, "high": pytest.approx(2 / 3)}


def test_lists_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="equally long"):
        choice_scores([], [], [])
    with pytest.raises(ValueError):
        choice_scores([0, 1], [0, 1], ["middle"])
