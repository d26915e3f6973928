"""A small WordPiece vocabulary, and the original's way from text to its words, for tests."""

import re
import unicodedata
from collections import Counter
from functools import cache
from pydoc_data.topics import topics

from litebert.text.wordpiece_files import SPECIAL

FOREIGN = [
    "Die Größe der Häuser überraschte Æsop; ½ davon kostete 1,999 € (oder £ 3).",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Ο Σίσυφος ανέβαινε τον λόφο ως το τέλος.",
    "色は匂へど 散りぬるを 我が世誰ぞ 常ならむ ガラスのコップ",
    "敏捷的棕色狐狸跳过了懒狗，在2004年的北京。",
    "다람쥐 헌 쳇바퀴에 타고파",
    "ऋषियों को सताने वाले दुष्ट राक्षसों",
    "صِف خَلقَ خَودٍ كَمِثلِ الشَمسِ إِذ بَزَغَت",
    "Les élèves naïfs du lycée İstanbul; coöperation, señor — “déjà vu”…",
]
_ASCII = "".join(map(chr, range(33, 127)))


@cache
def small_wordpieces() -> tuple[str, ...]:
    """About 3,000 pieces: special ones, characters, endings and words, with and without case."""
    texts = [*topics.values(), *FOREIGN * 20]
    texts += [_plain(text) for text in texts]
    words = Counter(word for text in texts for word in re.findall(r"\w+", text))
    letters = sorted({letter for text in texts for letter in text if not letter.isspace()})
    letters = sorted({*letters, *_ASCII})
    endings = Counter(f"##{word[-n:]}" for word in words for n in (2, 3) if len(word) > n)
    pieces = [*SPECIAL.values(), "[unused0]", "[unused1]", *letters]
    pieces += [f"##{letter}" for letter in letters]
    pieces += [ending for ending, _ in endings.most_common(500)]
    pieces += [word for word, _ in words.most_common(1500)]
    return tuple(dict.fromkeys(pieces))


def original_words(text: str, lower_case: bool) -> list[str]:
    """The words of the original's `BasicTokenizer`, as its source describes them."""
    kept = (c for c in text if c not in "\0\ufffd" and not _is_control(c))
    spaced = "".join(" " if _is_space(c) else f" {c} " if _is_chinese(c) else c for c in kept)
    words: list[str] = []
    for word in spaced.split():
        changed = _plain(word.lower()) if lower_case else word
        words += "".join(f" {c} " if _is_punctuation(c) else c for c in changed).split()
    return words


def original_pieces(word: str, pieces: frozenset[str], longest: int = 200) -> list[str]:
    """The original's `WordpieceTokenizer`: the longest piece that fits, again and again."""
    if len(word) > longest:
        return ["[UNK]"]
    found: list[str] = []
    start = 0
    while start < len(word):
        inside = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((end for end in ends if inside + word[start:end] in pieces), None)
        if end is None:
            return ["[UNK]"]
        found.append(inside + word[start:end])
        start = end
    return found


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.lower())
    return "".join(part for part in parts if unicodedata.category(part) != "Mn")


def _is_space(letter: str) -> bool:
    return letter in " \t\n\r" or unicodedata.category(letter) == "Zs"


def _is_control(letter: str) -> bool:
    return letter not in "\t\n\r" and unicodedata.category(letter) in ("Cc", "Cf")


def _is_punctuation(letter: str) -> bool:
    marks = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter != " "
    return marks or unicodedata.category(letter).startswith("P")


def _is_chinese(letter: str) -> bool:
    blocks = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)]
    blocks += [(0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]
    return any(first <= ord(letter) <= last for first, last in blocks)
