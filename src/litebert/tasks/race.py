"""RACE, and any multiple choice about an article: what the model sees of a question.

Source: the original's race_utils.py; presets from the paper's Table 14 and the original's README.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from litebert.foundation.errors import ConfigError
from litebert.tasks.presets import Preset
from litebert.text.tokenizer import PairEncoding, Tokenizer

MAX_QA_LENGTH = 128
PRESET = Preset(2e-5, 32, 0.1, 0.1, 12000, 1000, 512)
"""The paper's Table 14."""
PRESET_V2 = Preset(1e-5, 32, 0.0, 0.1, 12000, 1000, 512)
"""For the second version of the models, which diverge with the first's values (its README)."""

# What normalisation turns into the low line that marks the gap of a cloze question.
_GAPS = str.maketrans(dict.fromkeys("＿︳︴﹍﹎﹏", "_"))


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A question about an article, with its options and the index of the right one (or None)."""

    id: str
    article: str
    question: str
    options: tuple[str, ...]
    label: int | None
    level: str


def choice_texts(question: str, options: Sequence[str]) -> list[str]:
    """The question with each option: in its gaps ("_") where it has any, else after it."""
    question = " ".join(question.translate(_GAPS).split())
    stripped = [" ".join(option.split()) for option in options]
    if "_" in question:
        return [question.replace("_", option) for option in stripped]
    return [f"{question} {option}" for option in stripped]


def encode_choices(
    examples: Iterable[ChoiceExample],
    tokenizer: Tokenizer,
    max_length: int = 512,
    max_qa_length: int = MAX_QA_LENGTH,
) -> Iterator[list[PairEncoding]]:
    """`[CLS] article [SEP] question with option [SEP]` for every option of each example, in order.

    Of the question with its option the last `max_qa_length` tokens are kept; what is too long then
    loses the end of its article. Questions about one article that follow each other share the work
    on it. Raises ConfigError where `max_length` leaves no room.
    """
    room = max_length - 3
    if room < 1 or max_qa_length < 1:
        raise ConfigError(
            f"max_length {max_length} with max_qa_length {max_qa_length} leaves no room for a "
            "question: 4 and 1 are the least"
        )
    last: str | None = None
    article: list[int] = []
    for example in examples:
        if example.article != last:
            article, last = tokenizer.encode(example.article), example.article
        endings = tokenizer.encode_batch(choice_texts(example.question, example.options))
        encodings = []
        for ending in endings:
            kept = ending[-min(max_qa_length, room) :]
            context = article[: room - len(kept)]
            cut = len(ending) - len(kept) + len(article) - len(context)
            ids = [tokenizer.cls_id, *context, tokenizer.sep_id, *kept, tokenizer.sep_id]
            segments = [0] * (len(context) + 2) + [1] * (len(kept) + 1)
            encodings.append(PairEncoding(ids, segments, cut))
        yield encodings
