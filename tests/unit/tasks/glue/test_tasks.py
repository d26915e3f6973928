import pytest

from litebert.foundation.errors import ConfigError
from litebert.tasks.glue.tasks import GLUE, PAPER_ROW, glue_scores, glue_task

# The paper's Table 14, written out once more: rate, batch, dropouts, steps, warm-up, length.
TABLE_14 = {
    "cola": (1e-5, 16, 0, 0.1, 5336, 320, 512),
    "sts-b": (2e-5, 16, 0, 0.1, 3598, 214, 512),
    "sst-2": (1e-5, 32, 0, 0.1, 20935, 1256, 512),
    "mnli": (3e-5, 128, 0, 0.1, 10000, 1000, 512),
    "qnli": (1e-5, 32, 0, 0.1, 33112, 1986, 512),
    "qqp": (5e-5, 128, 0.1, 0.1, 14000, 1000, 512),
    "rte": (3e-5, 32, 0.1, 0.1, 800, 200, 512),
    "mrpc": (2e-5, 32, 0, 0.1, 800, 200, 512),
    "wnli": (2e-5, 16, 0.1, 0.1, 2000, 250, 512),
}


@pytest.mark.parametrize("name", TABLE_14)
def test_presets_are_the_papers(name):
    preset = GLUE[name].preset
    assert preset is not None
    found = (
        *(preset.learning_rate, preset.batch_size),
        *(preset.encoder_dropout, preset.classifier_dropout),
        *(preset.steps, preset.warmup_steps, preset.max_length),
    )
    assert found == TABLE_14[name]


def test_every_task_of_glue_is_a_row():
    assert set(GLUE) == {*TABLE_14, "ax"}
    assert set(PAPER_ROW) == set(TABLE_14) - {"wnli"}
    starters = {task.name for task in GLUE.values() if task.starts_from_mnli}
    assert starters == {"rte", "sts-b", "mrpc"}
    assert [task.name for task in GLUE.values() if task.regression] == ["sts-b"]


def test_every_test_split_has_an_official_name():
    names = [name for task in GLUE.values() for name in task.submission.values()]
    assert len(set(names)) == 11
    for task in GLUE.values():
        assert set(task.submission) == {s for s in task.files if s.startswith("test")}


def test_a_name_may_be_in_any_case_and_a_wrong_one_names_the_nearest():
    assert glue_task("STS-B") is GLUE["sts-b"]
    with pytest.raises(ConfigError, match='"sst" is no task of GLUE: did you mean "sst-2"'):
        glue_task("sst")


def test_scores_have_the_official_names_the_papers_first():
    assert glue_scores(GLUE["cola"], [0, 1, 1], [0, 1, 0]) == {
        "matthews": pytest.approx(0.5),
        "accuracy": pytest.approx(2 / 3),
    }
    assert list(glue_scores(GLUE["qqp"], [0, 1], [0, 1])) == ["accuracy", "f1"]
    scores = glue_scores(GLUE["sts-b"], [0.0, 2.0, 5.0], [1.0, 2.0, 2.5])
    assert scores["spearman"] == pytest.approx(1)
    assert list(scores) == ["pearson", "spearman"]
    assert list(glue_scores(GLUE["ax"], [0, 1, 2], [0, 1, 1])) == ["matthews"]
