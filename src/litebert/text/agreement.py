"""How far `tokenizer.json`, which other programs read, gives our ids: measured, and in words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebert.foundation.errors import VocabularyError
from litebert.text.normalise import replace_surrogates
from litebert.text.source import FAST_FILE
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer

# Why a text may get other ids; `reason_of` tells them apart.
SPELLED = "a special piece is spelled out"
YOUNG = "a character is younger than this Python"
MARKS = "marks are stacked, or Hangul is written as single jamo"
COMMA = "a number has a comma"
TIE = "two segmentations score the same"
OTHER = "for another reason"

# Measured by tests/parity/test_transformers_tokenizer.py with ALBERT's English vocabulary.
MEASURED_TEXTS = 3736
MEASURED = {SPELLED: 1}
MEASURED_ALBERT_CLASS = 7
_DIGIT_COMMA = re.compile(r"\d,")
_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")


@dataclass(frozen=True)
class Difference:
    """A text that gets other ids from `tokenizer.json`, and why."""

    text: str
    ours: list[int]
    theirs: list[int]
    reason: str


@dataclass(frozen=True)
class Agreement:
    """What a comparison found: how many texts were tried, and those that differ."""

    texts: int
    differences: list[Difference]

    @property
    def reasons(self) -> dict[str, int]:
        """How many texts differ for which reason, the most frequent first."""
        return dict(Counter(found.reason for found in self.differences).most_common())

    def __str__(self) -> str:
        found = ", ".join(f"{count:,} where {reason}" for reason, count in self.reasons.items())
        return f"{len(self.differences):,} of {self.texts:,} texts differ" + (
            f": {found}" if found else ""
        )


def compare_with_fast(tokenizer: Tokenizer | str | Path, texts: Iterable[str]) -> Agreement:
    """Compare our ids with those of `tokenizer.json`, without special tokens at the ends.

    A folder is compared with the `tokenizer.json` in it, a tokenizer with the one it would write.
    Raises VocabularyError where the folder has none, or the `tokenizers` library refuses it.
    """
    if isinstance(tokenizer, Tokenizer):
        ours, where, content = tokenizer, FAST_FILE, tokenizer.fast_file()
    else:
        ours, file = Tokenizer.load(tokenizer), Path(tokenizer) / FAST_FILE
        if not file.is_file():
            raise VocabularyError(f"{file} is missing: save the tokenizer into the folder")
        where, content = str(file), file.read_text("utf-8", "replace")
    theirs = _backend(content, where)
    seen, differences = 0, []
    for text in texts:
        seen += 1
        a = ours.encode(text)
        b: list[int] = theirs.encode(replace_surrogates(text), add_special_tokens=False).ids
        if a != b:
            differences.append(Difference(text, a, b, reason_of(ours, text, a, b)))
    return Agreement(seen, differences)


def reason_of(tokenizer: Tokenizer, text: str, ours: list[int], theirs: list[int]) -> str:
    """Why a text differs, as far as is known."""
    special = [tokenizer.pad_id, tokenizer.unk_id, tokenizer.cls_id]
    special += [tokenizer.sep_id, tokenizer.mask_id]
    if any(tokenizer.pieces[index] in text for index in special):
        return SPELLED
    if any(unicodedata.category(letter) == "Cn" for letter in text):
        return YOUNG
    if not isinstance(tokenizer, SentencePieceTokenizer):
        return OTHER
    marked = any(map(unicodedata.combining, text)) or _JAMO.search(text)
    if tokenizer.normalisation.keep_accents and marked:
        return MARKS
    if _DIGIT_COMMA.search(text):
        return COMMA
    if max(theirs, default=0) >= tokenizer.vocab_size:  # the file is of another vocabulary
        return OTHER
    scores = tokenizer.scores()
    a, b = (sum(scores[index] for index in ids) for ids in (ours, theirs))
    return TIE if abs(a - b) < 1e-3 else OTHER


def fast_exceptions(tokenizer: Tokenizer) -> str:
    """Where transformers gives other ids than litebert, in a few sentences for a model's README."""
    pieces = [tokenizer.pieces[index] for index in (tokenizer.mask_id, tokenizer.sep_id)]
    spelled = (
        "With `AutoTokenizer`, transformers gives the ids that litebert gives, but for texts that "
        f"spell out a special piece such as {' or '.join(pieces)}: there it is that piece, here it "
        "is text, as in the original."
    )
    if not isinstance(tokenizer, SentencePieceTokenizer):
        return spelled
    marks = ", marks stacked on a letter" if tokenizer.normalisation.keep_accents else ""
    return (
        f"{spelled} Rarely, numbers with commas{marks}, segmentations of equal score and "
        "characters younger than the running Python differ too. With ALBERT's English vocabulary "
        f"{sum(MEASURED.values()):,} of {MEASURED_TEXTS:,} texts in 12 languages differs: one that "
        "spells out special pieces. transformers' class `AlbertTokenizer` builds a pipeline of its "
        f"own, with which {MEASURED_ALBERT_CLASS} of them differ: prefer `AutoTokenizer`."
    )


def _backend(content: str, where: str) -> Any:
    from tokenizers import Tokenizer as Backend

    try:
        return Backend.from_str(content)
    except Exception as error:  # noqa: BLE001  (the library raises nothing more precise)
        reason = str(error).splitlines()[0] if str(error) else "unreadable"
        raise VocabularyError(f"{where} is refused by the tokenizers library: {reason}") from None
