import pytest

from litebert.foundation.errors import ConfigError
from litebert.tasks.race import PRESET, PRESET_V2, ChoiceExample, choice_texts, encode_choices
from small_models import small_tokenizer

TOKENIZER = small_tokenizer()
ARTICLE = "The old house had a lovely green garden. A river ran under the window."


def example(question: str = "The garden was _ .", article: str = ARTICLE) -> ChoiceExample:
    return ChoiceExample("1", article, question, ("green", "cold and harsh"), 0, "middle")


def encoded(*examples: ChoiceExample, max_length: int = 512, max_qa_length: int = 128):
    return list(encode_choices(examples, TOKENIZER, max_length, max_qa_length))


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
    [choices] = encoded(example())
    article = TOKENIZER.encode(ARTICLE)
    for choice, text in zip(
        choices, ["The garden was green .", "The garden was cold and harsh ."], strict=True
    ):
        qa = TOKENIZER.encode(text)
        assert choice.ids == [
            *(TOKENIZER.cls_id, *article, TOKENIZER.sep_id, *qa, TOKENIZER.sep_id)
        ]
        assert choice.segment_ids == [0] * (len(article) + 2) + [1] * (len(qa) + 1)
        assert choice.cut == 0


def test_what_is_too_long_loses_the_end_of_its_article():
    whole = encoded(example())[0]
    for short, long in zip(encoded(example(), max_length=24)[0], whole, strict=True):
        assert len(short.ids) == 24
        room = short.segment_ids.count(0) - 2
        assert short.ids[: room + 1] == long.ids[: room + 1]
        assert short.ids[room + 1 :] == long.ids[long.segment_ids.count(0) - 1 :]
        assert short.cut == len(long.ids) - 24


def test_a_long_question_keeps_its_end_where_the_option_is():
    whole = encoded(example())[0]
    for short, long in zip(encoded(example(), max_qa_length=3)[0], whole, strict=True):
        article = long.segment_ids.count(0)
        assert short.ids == long.ids[:article] + long.ids[-4:]
        assert short.cut == len(long.ids) - len(short.ids)


def test_no_room_for_the_article_leaves_the_question_alone():
    [choice, _] = encoded(example(), max_length=5)[0]
    qa = TOKENIZER.encode("The garden was green .")
    assert choice.ids == [TOKENIZER.cls_id, TOKENIZER.sep_id, *qa[-2:], TOKENIZER.sep_id]
    assert choice.segment_ids == [0, 0, 1, 1, 1]


def test_many_questions_get_what_each_gets_alone():
    examples = [example(), example("Where?"), example(article="A river."), example()]
    assert encoded(*examples) == [encoded(one)[0] for one in examples]


def test_lengths_without_room_are_refused():
    with pytest.raises(ConfigError, match="max_length 3 with max_qa_length 128 leaves no room"):
        encoded(example(), max_length=3)
    with pytest.raises(ConfigError, match="max_qa_length 0"):
        encoded(example(), max_qa_length=0)


def test_the_second_models_have_the_rate_and_dropout_that_do_not_diverge():
    assert (PRESET.learning_rate, PRESET.encoder_dropout) == (2e-5, 0.1)
    assert (PRESET_V2.learning_rate, PRESET_V2.encoder_dropout) == (1e-5, 0)
    for preset in (PRESET, PRESET_V2):
        assert (preset.batch_size, preset.steps, preset.warmup_steps) == (32, 12000, 1000)
        assert (preset.max_length, preset.classifier_dropout) == (512, 0.1)
