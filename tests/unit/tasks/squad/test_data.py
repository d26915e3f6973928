import json
from copy import deepcopy
from pathlib import Path

import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.metrics import squad_v2
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion, as_dataset
from litebert.tasks.squad.data import read_squad

BRIDGE = "The old bridge was built in 1503. A flood took it in 1784."
MILL = "Beside the mill lives a heron."
CONTENT = {
    "version": "v2.0",
    "data": [
        {
            "title": "Bridges",
            "paragraphs": [
                {
                    "context": BRIDGE,
                    "qas": [
                        {
                            "id": "b1",
                            "question": "When was it built?",
                            "answers": [
                                {"text": "1503", "answer_start": 28},
                                {"text": "in 1503", "answer_start": 25},
                            ],
                        },
                        {
                            "id": "b2",
                            "question": "Who built it?",
                            "answers": [],
                            "is_impossible": True,
                            "plausible_answers": [{"text": "A flood", "answer_start": 34}],
                        },
                    ],
                }
            ],
        },
        {
            "paragraphs": [
                {
                    "context": MILL,
                    "qas": [
                        {
                            "id": "m1",
                            "question": "What lives there?",
                            "answers": [{"text": " a heron", "answer_start": 21}],
                        }
                    ],
                }
            ]
        },
    ],
}


def written(folder: Path, content: object) -> Path:
    path = folder / "questions.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_questions_come_with_context_answers_and_title(tmp_path):
    loaded = read_squad(written(tmp_path, CONTENT))
    assert loaded.examples == [
        SquadQuestion(
            "b1",
            "When was it built?",
            BRIDGE,
            (SquadAnswer("1503", 28), SquadAnswer("in 1503", 25)),
            False,
            "Bridges",
        ),
        SquadQuestion("b2", "Who built it?", BRIDGE, (), True, "Bridges"),
        SquadQuestion(
            "m1",
            "What lives there?",
            MILL,
            (SquadAnswer("a heron", 22),),
            False,
            "article 2: Beside the mill lives a heron.",
        ),
    ]
    assert (loaded.skipped, loaded.remark) == (0, "")


def test_the_first_answer_is_the_one_to_train_on(tmp_path):
    questions = read_squad(written(tmp_path, CONTENT)).examples
    assert [question.answer_span for question in questions] == [(28, 32), None, (22, 29)]
    assert MILL[22:29] == "a heron"  # without the space around it


def test_questions_become_a_data_set_again(tmp_path):
    questions = read_squad(written(tmp_path, CONTENT)).examples
    dataset = as_dataset(questions)
    again = read_squad(written(tmp_path, {"data": dataset})).examples
    assert again == questions
    predictions = {"b1": "1503", "b2": "", "m1": "heron"}
    assert squad_v2(dataset, predictions) == squad_v2(CONTENT, predictions)


def test_answers_are_optional_where_nothing_is_trained(tmp_path):
    content = deepcopy(CONTENT)
    row = content["data"][1]["paragraphs"][0]["qas"][0]
    row["answers"] = [{"text": "a heron"}]
    loaded = read_squad(written(tmp_path, content), labelled=False)
    assert loaded.examples[-1].answers == (SquadAnswer("a heron", None),)
    assert loaded.examples[-1].answer_span is None
    assert "answer_start" not in json.dumps(as_dataset(loaded.examples[-1:]))
    del row["answers"]
    assert read_squad(written(tmp_path, content), labelled=False).examples[-1].answers == ()


def test_half_a_surrogate_pair_is_no_text_and_moves_nothing(tmp_path):
    content = deepcopy(CONTENT)
    content["data"][1]["paragraphs"][0]["context"] = MILL.replace("mill", "m\ud83dll")
    content["data"][1]["title"] = "M\ud83d"
    question = read_squad(written(tmp_path, content)).examples[-1]
    assert question.context == MILL.replace("mill", "m\ufffdll")
    assert question.context[slice(*question.answer_span)] == "a heron"
    assert question.title == "M\ufffd"


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    path = written(tmp_path, CONTENT)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_squad(path).examples) == 3


def broken(change: str, value: object) -> dict:
    """The content with one thing changed: a path of keys, a value or None to remove it."""
    content = deepcopy(CONTENT)
    *path, last = change.split("/")
    place = content
    for key in path:
        place = place[int(key) if key.isdigit() else key]
    last = int(last) if last.isdigit() else last
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


QUESTION = "data/0/paragraphs/0/qas/0"
FAULTS = [
    ("data/0/paragraphs", None, r'article 1 \("Bridges"\): no list "paragraphs"'),
    ("data/0", "text", r'article 1: no list "paragraphs"'),
    ("data/0/paragraphs", [], r'article 1 \("Bridges"\): "paragraphs" is empty'),
    ("data/0/paragraphs/0/context", None, r'paragraph 1: no text "context"; 2 questions are bad'),
    ("data/0/paragraphs/0/context", " ", r'paragraph 1: "context" is empty'),
    ("data/0/paragraphs/0/qas", [], r'paragraph 1: "qas" is empty'),
    ("data/0/paragraphs/0/qas", None, r'paragraph 1: no list "qas"'),
    (QUESTION, 7, r'question 1: no text "id"'),
    (f"{QUESTION}/id", None, r'question 1: no text "id"'),
    (f"{QUESTION}/id", "m1", r'question 1 \("m1"\): a question of id "m1" stands further up'),
    (f"{QUESTION}/question", None, r'question 1 \("b1"\): no text "question"'),
    (f"{QUESTION}/question", 4, r'question 1 \("b1"\): no text "question"'),
    (f"{QUESTION}/answers", None, r"it has no answer: give one, or mark it"),
    (f"{QUESTION}/answers", {"text": "1503"}, r'no list "answers"'),
    (f"{QUESTION}/is_impossible", "no", r'"is_impossible" is neither true nor false'),
    (f"{QUESTION}/is_impossible", True, r'marked "is_impossible" and has answers'),
    (f"{QUESTION}/answers/0/text", "1504", r'the answer "1504" is not in its context'),
    (f"{QUESTION}/answers/0/text", " ", r'"text" is empty'),
    (f"{QUESTION}/answers/0/answer_start", 27, r"begins at character 28 .*, not at 27"),
    (f"{QUESTION}/answers/0/answer_start", -30, r"begins at character 28 .*, not at -30"),
    (f"{QUESTION}/answers/0/answer_start", "28", r"\"answer_start\" is '28', not a whole number"),
    (f"{QUESTION}/answers/0/answer_start", None, r'its answer has no "answer_start"'),
]


@pytest.mark.parametrize(("change", "value", "message"), FAULTS)
def test_a_fault_is_named_by_its_place_or_left_out(tmp_path, change, value, message):
    path = written(tmp_path, broken(change, value))
    with pytest.raises(DataError, match=message) as raised:
        read_squad(path)
    assert str(raised.value).startswith(f"{path}, article ")
    assert "--skip-bad" in str(raised.value)
    loaded = read_squad(path, skip_bad=True)
    assert 1 <= loaded.skipped <= 2
    assert len(loaded.examples) + loaded.skipped in (2, 3)
    assert loaded.remark.startswith(f"{loaded.skipped} of ")
    assert str(path) in loaded.remark


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = written(tmp_path, [1, 2])
    with pytest.raises(DataError, match=r'no list of articles: a SQuAD file is \{"data"'):
        read_squad(path)
    path.write_text('{"data": [', "utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        read_squad(path, skip_bad=True)


def test_a_file_without_any_usable_question_is_refused(tmp_path):
    with pytest.raises(DataError, match="no questions that can be used"):
        read_squad(written(tmp_path, {"data": []}))
    with pytest.raises(DataError, match="no questions that can be used; the first fault is"):
        read_squad(written(tmp_path, {"data": [{}]}), skip_bad=True)


def test_a_question_without_an_answer_is_a_fault_where_every_one_has_one(tmp_path):
    path = written(tmp_path, CONTENT)
    with pytest.raises(DataError, match=r'question 2 \("b2"\): it has no answer, as in SQuAD 2.0'):
        read_squad(path, impossible=False)
    loaded = read_squad(path, impossible=False, skip_bad=True)
    assert [question.id for question in loaded.examples] == ["b1", "m1"]
    assert loaded.skipped == 1
