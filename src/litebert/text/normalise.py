"""The original's text normalisation, with the way back to the characters it came from.

Source: `preprocess_text` of the original's tokenization.py: whitespace collapsed, NFKD, characters
with a canonical combining class dropped, lower case. SentencePiece's own normaliser runs after it.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from litebert.foundation.settings import Settings

REPLACEMENT = "\ufffd"  # what a lone surrogate becomes: it has no UTF-8 form

# Blocks that hold characters with a combining class, and the surrogates. Everything outside needs
# no work after NFKD, and one search over a few ranges is twenty times cheaper than the exact set.
_SUSPECT = re.compile(
    "[\u0300-\u1dff\u20d0-\u20ff\u2c00-\u2dff\u3000-\u30ff\ua600-\uabff"
    "\ud800-\udfff\ufb00-\ufe2f\U00010000-\U0010ffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\S+")


class Normalisation(Settings):
    """How text is made uniform before SentencePiece sees it; the original's values by default."""

    lower_case: bool = True
    """Turn text into lower case."""

    keep_accents: bool = False
    """Keep accents and other combining marks (the original drops them)."""


@dataclass(frozen=True)
class Aligned:
    """A normalised text; its character i came from `[starts[i], ends[i])` of the original text."""

    text: str
    starts: list[int]
    ends: list[int]


def normalise(text: str, settings: Normalisation) -> str:
    """The text as SentencePiece shall see it. A lone surrogate becomes U+FFFD."""
    text = " ".join(text.split())
    if not text.isascii():
        text = replace_surrogates(text) if settings.keep_accents else _strip_accents(text)
    return text.lower() if settings.lower_case else text


def normalise_aligned(text: str, settings: Normalisation) -> Aligned:
    """`normalise`, with the span of the original text that each character came from.

    A dropped accent belongs to the character before it; a space to the whitespace it stands for.
    """
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    space_from: int | None = None  # where the whitespace before the current word begins
    for word in _WORD.finditer(text):
        if space_from is not None:
            letters.append(" ")
            starts.append(space_from)
            ends.append(word.start())
        if word.group().isascii():  # nothing but its case will change
            letters += word.group()
            starts += range(word.start(), word.end())
            ends += range(word.start() + 1, word.end() + 1)
        else:
            _decompose(word, settings.keep_accents, letters, starts, ends)
        space_from = word.end()
    aligned = Aligned("".join(letters), starts, ends)
    return _lower_aligned(aligned) if settings.lower_case else aligned


def _decompose(
    word: re.Match[str],
    keep_accents: bool,
    letters: list[str],
    starts: list[int],
    ends: list[int],
) -> None:
    """Append what a word becomes, character by character."""
    before = len(letters)
    for index, character in enumerate(word.group(), start=word.start()):
        parts = _parts(character, keep_accents)
        letters += parts
        starts += [index] * len(parts)
        ends += [index + 1] * len(parts)
        if not parts and len(letters) > before:
            ends[-1] = index + 1


def replace_surrogates(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, so that it has a UTF-8 form."""
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


def _strip_accents(text: str) -> str:
    text = unicodedata.normalize("NFKD", text)
    if _SUSPECT.search(text) is None:
        return text
    text = "".join([letter for letter in text if not unicodedata.combining(letter)])
    return replace_surrogates(text)


@lru_cache(maxsize=65536)
def _parts(character: str, keep_accents: bool) -> str:
    """What one character becomes before lower-casing: one, several or no characters.

    Decomposing characters one by one differs from decomposing the text only in the order of
    combining marks, and those are dropped.
    """
    return replace_surrogates(character) if keep_accents else _strip_accents(character)


def _lower_aligned(aligned: Aligned) -> Aligned:
    """Lower case as the whole text has it (final sigma), where "İ" alone becomes two characters."""
    lowered = aligned.text.lower()
    if len(lowered) == len(aligned.text):
        return Aligned(lowered, aligned.starts, aligned.ends)
    widths = [len(letter.lower()) for letter in aligned.text]
    starts = [s for s, width in zip(aligned.starts, widths, strict=True) for _ in range(width)]
    ends = [e for e, width in zip(aligned.ends, widths, strict=True) for _ in range(width)]
    return Aligned(lowered, starts, ends)
