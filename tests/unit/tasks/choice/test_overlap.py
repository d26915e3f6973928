from litebert.tasks.choice.overlap import overlapping_option
from litebert.tasks.race.data import read_race

ARTICLE = (
    "The heron stood in the river. Nobody saw it there. It was a cold morning in May. "
    "The fox slept in the old house. The river was cold."
)


def test_the_option_is_chosen_that_stands_near_the_questions_words():
    options = ("in the river", "in the house")
    assert overlapping_option(ARTICLE, "Where did the heron stand?", options) == 0
    assert overlapping_option(ARTICLE, "Where had the fox slept?", options) == 1


def test_rare_words_count_more_than_common_ones():
    assert overlapping_option(ARTICLE, "", ("the", "fox")) == 1


def test_the_first_option_is_chosen_where_none_overlaps():
    assert overlapping_option("", "What?", ("a boat", "a plane")) == 0
    assert overlapping_option(ARTICLE, "", ("a boat", "", "!")) == 0


def test_it_is_well_above_chance_on_real_questions(shared):
    examples = read_race(shared / "data/race_layout", "train", levels=["high"]).examples
    right = [overlapping_option(e.article, e.question, e.options) == e.label for e in examples]
    assert 0.5 < sum(right) / len(right) < 0.6
