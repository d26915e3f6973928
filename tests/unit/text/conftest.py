"""Small vocabularies, trained once from text that comes with Python."""

from pydoc_data.topics import topics

import pytest

from litebert.text.normalise import Normalisation, normalise
from litebert.text.tokenizer import (
    SentencePieceTokenizer,
    Tokenizer,
    WordPieceSettings,
    WordPieceTokenizer,
)
from litebert.text.trainer import train_model
from litebert.text.vocabulary import VocabularySettings, train_vocabulary
from wordpieces import small_wordpieces

FOREIGN = [
    "Die Größe der Häuser überraschte Æsop; ½ davon kostete 1,999 € (oder £ 3).",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Ο Σίσυφος ανέβαινε τον λόφο ως το τέλος. ΟΔΥΣΣΕΥΣ",
    "色は匂へど 散りぬるを 我が世誰ぞ 常ならむ ガラスのコップ",
    "敏捷的棕色狐狸跳过了懒狗。",
    "다람쥐 헌 쳇바퀴에 타고파",
    "ऋषियों को सताने वाले दुष्ट राक्षसों",
    "صِف خَلقَ خَودٍ كَمِثلِ الشَمسِ إِذ بَزَغَت",
    "In 1, 2, 3 or 1999, and 2001, it cost 10,000 or 12, and 7, or 31, at least.",
]


@pytest.fixture(scope="session")
def english() -> list[str]:
    """Python's own documentation, a paragraph an item."""
    pages = [topics[name] for name in sorted(topics)]
    return [" ".join(block.split()) for page in pages for block in page.split("\n\n") if block]


@pytest.fixture(scope="session")
def tokenizer(english, tmp_path_factory) -> Tokenizer:
    """2,000 pieces with the original's normalisation, over English and some other scripts."""
    return _train(english, tmp_path_factory, Normalisation())


@pytest.fixture(scope="session")
def faithful_tokenizer(english, tmp_path_factory) -> Tokenizer:
    """The same with case and accents kept."""
    keep = Normalisation(lower_case=False, keep_accents=True)
    return _train(english, tmp_path_factory, keep)


@pytest.fixture(scope="session")
def comma_tokenizer(english) -> Tokenizer:
    """As an original vocabulary, with pieces of digits and a comma, also in mid-word."""
    lines = [normalise(text, Normalisation()) for text in english + FOREIGN * 20]
    numbers = [f"in the year x{n % 70}, {n}, and ({n * 7 % 1000},{n:03d}" for n in range(1000)]
    return SentencePieceTokenizer(train_model(lines + numbers, 2000, False, 1.0))


@pytest.fixture(scope="session")
def wordpiece() -> WordPieceTokenizer:
    """3,000 pieces with the original's settings: lower case, no accents."""
    return WordPieceTokenizer(small_wordpieces())


@pytest.fixture(scope="session")
def cased_wordpiece() -> WordPieceTokenizer:
    """The same with case and accents kept."""
    return WordPieceTokenizer(small_wordpieces(), WordPieceSettings(lower_case=False))


def _train(english, tmp_path_factory, normalisation) -> Tokenizer:
    folder = tmp_path_factory.mktemp("vocabulary") / "small"
    settings = VocabularySettings(vocab_size=2000, character_coverage=1.0)
    train_vocabulary(english + FOREIGN * 20, folder, settings, normalisation)
    return Tokenizer.load(folder)
