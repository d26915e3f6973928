import pytest

from litebert.foundation.errors import ConfigError
from litebert.tasks.choice.questions import ChoiceExample, choice_texts, encode_questions
from small_models import small_tokenizer

TOKENIZER = small_tokenizer()
ARTICLE = "The old house had a lovely green garden. A river ran under the window."


def example(question: str = "The garden was _ .", article: str = ARTICLE) -> ChoiceExample:
    return ChoiceExample("1", article, question, ("green", "cold and harsh"), 0, "middle")


def encoded(*examples: ChoiceExample, max_length: int = 512, max_qa_length: int = 128):
    return list(encode_questions(examples, TOKENIZER, max_length, max_qa_length))


def sequences(*examples: ChoiceExample, **limits: int) -> list[list[tuple[list[int], list[int]]]]:
    """Ids and segments of every option of every example."""
    return [
        [(s.ids.tolist(), s.segment_ids.tolist()) for s in question]
        for question in encoded(*examples, **limits)
    ]


def test_an_option_goes_into_the_gap_or_after_the_question():
    assert choice_texts("It was _ , so _ .", ["cold", "a b"]) == [
        "It was cold , so cold .",
        "It was a b , so a b .",
    ]
    assert choice_texts("What was it?", ["a river", "a house"]) == [
        "What was it? a river",
        "What was it? a house",
    ]


def test_white_space_around_an_option_is_none_in_the_gap():
    assert choice_texts(" It was_. ", [" cold\n"]) == ["It wascold."]


def test_a_wide_gap_is_a_gap():
    assert choice_texts("It was ＿.", ["cold"]) == ["It was cold."]


def test_a_choice_is_the_article_and_the_question_with_its_option():
    [choices] = sequences(example())
    article = TOKENIZER.encode(ARTICLE)
    for (ids, segments), text in zip(
        choices, ["The garden was green .", "The garden was cold and harsh ."], strict=True
    ):
        qa = TOKENIZER.encode(text)
        assert ids == [*(TOKENIZER.cls_id, *article, TOKENIZER.sep_id, *qa, TOKENIZER.sep_id)]
        assert segments == [0] * (len(article) + 2) + [1] * (len(qa) + 1)
    assert encoded(example())[0].cut == 0


def test_what_is_too_long_loses_the_end_of_its_article():
    [whole], [cut] = sequences(example()), sequences(example(), max_length=24)
    for (ids, segments), (long, long_segments) in zip(cut, whole, strict=True):
        assert len(ids) == 24
        room = segments.count(0) - 2
        assert ids[: room + 1] == long[: room + 1]
        assert ids[room + 1 :] == long[long_segments.count(0) - 1 :]
    assert encoded(example(), max_length=24)[0].cut == max(len(ids) for ids, _ in whole) - 24


def test_a_long_question_keeps_its_end_where_the_option_is():
    [whole], [cut] = sequences(example()), sequences(example(), max_qa_length=3)
    for (ids, _), (long, segments) in zip(cut, whole, strict=True):
        assert ids == long[: segments.count(0)] + long[-4:]
    lost = max(len(long) - len(ids) for (ids, _), (long, _) in zip(cut, whole, strict=True))
    assert encoded(example(), max_qa_length=3)[0].cut == lost


def test_no_room_for_the_article_leaves_the_question_alone():
    [choices] = sequences(example(), max_length=5)
    qa = TOKENIZER.encode("The garden was green .")
    ids, segments = choices[0]
    assert ids == [TOKENIZER.cls_id, TOKENIZER.sep_id, *qa[-2:], TOKENIZER.sep_id]
    assert segments == [0, 0, 1, 1, 1]


def test_many_questions_get_what_each_gets_alone():
    examples = [example(), example("Where?"), example(article="A river."), example()]
    assert sequences(*examples) == [sequences(one)[0] for one in examples]
    first, second = encoded(*examples[:2])
    assert first.article is second.article


def test_lengths_without_room_are_refused():
    with pytest.raises(ConfigError, match="max_length 3 with max_qa_length 128 leaves no room"):
        encoded(example(), max_length=3)
    with pytest.raises(ConfigError, match="max_qa_length 0"):
        encoded(example(), max_qa_length=0)
