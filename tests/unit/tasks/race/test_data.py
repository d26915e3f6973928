import json
from copy import deepcopy
from pathlib import Path

import pytest

from litebert.foundation.errors import ConfigError, DataError
from litebert.tasks.choice.questions import ChoiceExample
from litebert.tasks.race.data import PRESET, PRESET_V2, read_race

ARTICLE = {
    "answers": ["B", "D"],
    "options": [["a heron", "a fish", "a boat", "nothing"], ["one", "two", "three", "four"]],
    "questions": ["It saw _ .", "How many?"],
    "article": "A heron stood in the river.\n\nIt saw four fish.",
    "id": "middle1.txt",
}


def article(**changes: object) -> dict:
    return {key: value for key, value in {**deepcopy(ARTICLE), **changes}.items() if value != ...}


def write(root: Path, level: str, name: str, *articles: object, split: str = "train") -> Path:
    """Write articles into RACE's layout, one a line; a text is written as it is."""
    path = root / "RACE" / split / level / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [one if isinstance(one, str) else json.dumps(one) for one in articles]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_every_question_of_an_article_is_an_example(tmp_path):
    write(tmp_path, "middle", "1.txt", ARTICLE)
    first, second = read_race(tmp_path).examples
    assert first == ChoiceExample(
        "middle1.txt#1",
        ARTICLE["article"],
        "It saw _ .",
        ("a heron", "a fish", "a boat", "nothing"),
        1,
        "middle",
    )
    assert (second.id, second.label, second.level) == ("middle1.txt#2", 3, "middle")


def test_a_file_an_article_and_a_file_a_split_are_the_same(tmp_path):
    articles = [article(id=f"{number}.txt") for number in (1, 2, 10)]
    for one in reversed(articles):
        write(tmp_path / "files", "high", one["id"], one)
    write(tmp_path / "split", "high", "all.txt", *articles)
    assert read_race(tmp_path / "files") == read_race(tmp_path / "split")
    assert [e.id for e in read_race(tmp_path / "files").examples][::2] == [
        *("1.txt#1", "2.txt#1", "10.txt#1")
    ]


def test_where_both_are_there_the_whole_split_counts(tmp_path):
    write(tmp_path, "high", "all.txt", article(id="a"), article(id="b"))
    write(tmp_path, "high", "1.txt", article(id="a"))
    assert len(read_race(tmp_path).examples) == 4


def test_an_article_may_be_written_over_several_lines(tmp_path):
    write(tmp_path, "high", "1.txt", json.dumps(ARTICLE, indent=1))
    assert len(read_race(tmp_path).examples) == 2


def test_levels_are_read_middle_first_or_alone(tmp_path):
    write(tmp_path, "high", "1.txt", ARTICLE)
    write(tmp_path, "middle", "2.txt", ARTICLE)
    levels = [example.level for example in read_race(tmp_path).examples]
    assert levels == ["middle", "middle", "high", "high"]
    assert {e.level for e in read_race(tmp_path, levels=["high"]).examples} == {"high"}
    assert read_race(tmp_path / "RACE") == read_race(tmp_path)


def test_answers_are_optional_where_none_are_needed(tmp_path):
    write(tmp_path, "high", "1.txt", article(answers=...), split="test")
    examples = read_race(tmp_path, "test", labelled=False).examples
    assert [example.label for example in examples] == [None, None]
    with pytest.raises(DataError, match='2 questions need as many "answers": there are no list'):
        read_race(tmp_path, "test")


def test_there_may_be_another_number_of_options(tmp_path):
    three = article(options=[["a", "b", "c"], ["d", "e", "f"]], answers=["B", "C"])
    write(tmp_path, "high", "1.txt", three)
    assert [example.label for example in read_race(tmp_path).examples] == [1, 2]


def test_a_question_has_as_many_options_as_most_have(tmp_path):
    four = list("abcd")
    write(tmp_path, "high", "1.txt", article(options=[["a", "b"], four]))
    second = write(tmp_path, "high", "2.txt", article(options=[four, ["a", "b", "c"]], id="2"))
    with pytest.raises(DataError, match="question 1: it has 2 options where the others have 4"):
        read_race(tmp_path)
    loaded = read_race(tmp_path, skip_bad=True)
    assert [example.id for example in loaded.examples] == ["middle1.txt#2", "2#1"]
    assert loaded.skipped == 2
    second.unlink()
    write(tmp_path, "high", "1.txt", article(options=[["a"], ["b"]], answers=["A", "A"]))
    with pytest.raises(DataError, match="it has 1 options where 2 to 26 are expected"):
        read_race(tmp_path)


def test_an_article_that_is_no_text_is_named_or_left_out(tmp_path):
    write(tmp_path, "high", "1.txt", ARTICLE)
    bad = write(tmp_path, "high", "2.txt", ARTICLE)
    bad.write_bytes('{"article": "Ein Gänschen'.encode("latin-1"))
    write(tmp_path, "high", "3.txt").write_text("\n")
    with pytest.raises(
        DataError, match=rf"^{bad} is not UTF-8: line 1, byte 18.* iconv .* 2 quest"
    ):
        read_race(tmp_path)
    loaded = read_race(tmp_path, skip_bad=True)
    assert (len(loaded.examples), loaded.skipped) == (2, 2)
    bad.rename(bad.with_name("all.txt"))
    with pytest.raises(DataError, match=r"all\.txt is not UTF-8"):
        read_race(tmp_path, skip_bad=True)


WHOLE = [
    (article(questions=[], options=[], answers=[]), "the article has no questions"),
    (article(questions=...), "the article has no questions"),
    (article(article=...), 'no text "article"'),
    (article(article=" \n"), 'no text "article"'),
    (article(answers=["A"]), '2 questions need as many "answers": there are 1'),
    (article(options=[["a", "b", "c", "d"]]), '2 questions need as many "options": there are 1'),
    (article(options="abcd"), '2 questions need as many "options": there are no list'),
    ([1, 2], "no JSON object with article, questions, options, answers"),
    ('{"article": "A heron', "not JSON: Unterminated string starting at at column 13"),
]


@pytest.mark.parametrize(("bad", "message"), WHOLE)
def test_a_bad_article_is_named_by_its_line_or_left_out(tmp_path, bad, message):
    path = write(tmp_path, "high", "all.txt", ARTICLE, bad)
    with pytest.raises(DataError, match=message) as raised:
        read_race(tmp_path)
    assert str(raised.value).startswith(f"{path}, line 2: ")
    loaded = read_race(tmp_path, skip_bad=True)
    assert len(loaded.examples) == 2
    assert loaded.skipped >= 1
    assert f"{path}, line 2: " in loaded.remark


SINGLE = [
    (article(answers=["B", "E"]), "its answer is 'E', not one of A, B, C, D"),
    (article(answers=["B", 3]), "its answer is 3, not one of"),
    (article(answers=["B", ["A"]]), "its answer is .'A'., not one of"),
    (article(answers=["B", None]), "its answer is None, not one of"),
    (article(options=[list("abcd"), list("abc")]), "it has 3 options where the others have 4"),
    (article(options=[list("abcd"), ["a", "b", "c", 4]]), "its options are not a list of texts"),
    (article(options=[list("abcd"), "abcd"]), "its options are not a list of texts"),
    (article(questions=["Which?", None]), "it is no text"),
]


@pytest.mark.parametrize(("bad", "message"), SINGLE)
def test_a_bad_question_leaves_the_others_of_its_article(tmp_path, bad, message):
    path = write(tmp_path, "high", "all.txt", bad)
    with pytest.raises(DataError, match=message) as raised:
        read_race(tmp_path)
    assert str(raised.value).startswith(f"{path}, line 1, question 2: ")
    loaded = read_race(tmp_path, skip_bad=True)
    assert [example.id for example in loaded.examples] == ["middle1.txt#1"]
    assert loaded.skipped == 1


def test_half_a_surrogate_pair_is_no_text(tmp_path):
    write(tmp_path, "high", "1.txt", article(article="A \ud83d heron.", id="h\ud83d"))
    example = read_race(tmp_path).examples[0]
    assert (example.article, example.id) == ("A \ufffd heron.", "h\ufffd#1")


def test_the_wrong_folder_is_named_with_what_it_holds(tmp_path):
    write(tmp_path, "high", "1.txt", ARTICLE)
    for data in (tmp_path, tmp_path / "RACE"):
        with pytest.raises(DataError, match=r"RACE has no folder dev/middle or dev/high: .* train"):
            read_race(data, "dev")
    with pytest.raises(DataError, match=r"no folder dev/middle or dev/high, .* it contains 1\.txt"):
        read_race(tmp_path / "RACE/train/high", "dev")
    with pytest.raises(DataError, match="is not a folder: name the one that holds RACE/train"):
        read_race(tmp_path / "nowhere")
    (tmp_path / "RACE/train/high/1.txt").unlink()
    with pytest.raises(DataError, match=r"holds no \.txt file"):
        read_race(tmp_path)


def test_an_unknown_split_or_level_names_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match='no split "valid": known: train, dev, test'):
        read_race(tmp_path, "valid")
    with pytest.raises(ConfigError, match='no level "mid": did you mean "middle"'):
        read_race(tmp_path, levels=["mid"])


def test_the_second_models_have_the_rate_and_dropout_that_do_not_diverge():
    assert (PRESET.learning_rate, PRESET.encoder_dropout) == (2e-5, 0.1)
    assert (PRESET_V2.learning_rate, PRESET_V2.encoder_dropout) == (1e-5, 0)
    for preset in (PRESET, PRESET_V2):
        assert (preset.batch_size, preset.steps, preset.warmup_steps) == (32, 12000, 1000)
        assert (preset.max_length, preset.classifier_dropout) == (512, 0.1)


def test_the_articles_beside_the_project_are_read_whole(shared):
    train = read_race(shared / "data/race_layout").examples
    dev = read_race(shared / "data/race_layout", "dev").examples
    assert len(train) + len(dev) == 1800
    assert {example.level for example in dev} == {"middle", "high"}
