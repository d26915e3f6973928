"""What a tokenizer is, whatever its kind: text to ids with their characters, and back.

A tokenizer is immutable: threads may share it, and it can be pickled to other processes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from litebert.foundation.errors import ConfigError, VocabularyError
from litebert.foundation.files import atomic_file, write_json
from litebert.text.source import CONFIG_FILE, FAST_FILE, Kind, Source, find_vocabulary


@dataclass(frozen=True)
class Encoding:
    """Token ids of a text, and the characters `text[start:end]` that each came from."""

    ids: list[int]
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class PairEncoding:
    """`[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`: ids, segments (0 or 1), number of tokens cut."""

    ids: list[int]
    segment_ids: list[int]
    cut: int = 0


class Tokenizer(ABC):
    """A vocabulary with the way text is made uniform before it.

    Attributes: `pieces` by id, `vocab_size` (V) of them; `pad_id`, `unk_id`, `cls_id`, `sep_id`,
    `mask_id`; `ordinary_ids`, those that stand for text; `word_starts` (V,), whether whole-word
    masking begins a word at a piece; `fingerprint`, a hash of all that decides a text's ids.
    """

    kind: ClassVar[Kind]
    pieces: list[str]
    vocab_size: int
    ordinary_ids: NDArray[np.int64]
    word_starts: NDArray[np.bool_]
    pad_id: int
    unk_id: int
    cls_id: int
    sep_id: int
    mask_id: int
    fingerprint: str

    # Filled as the kinds are defined: whoever imports litebert.text.tokenizer has them all.
    _kinds: ClassVar[dict[Kind, type["Tokenizer"]]] = {}

    def __init_subclass__(cls, kind: Kind, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.kind = kind
        Tokenizer._kinds[kind] = cls

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model or vocabulary folder, or its file: spiece.model, vocab.txt, tokenizer.json.

        Settings come from `tokenizer_config.json` beside it; the original's where there is none.
        Raises VocabularyError when there is no vocabulary, a damaged one, or one of another kind
        than the class that is asked.
        """
        source = find_vocabulary(Path(path))
        kind = Tokenizer._kinds[source.kind]
        if not issubclass(kind, cls):
            raise VocabularyError(
                f"{source.file} is a {source.kind} vocabulary where {cls.kind} is expected"
            )
        return kind._open(source)

    @classmethod
    @abstractmethod
    def _open(cls, source: Source) -> Self:
        """Read a vocabulary of this kind."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special tokens: whatever is written in it is only text."""

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts, on one thread: the fast way where there are many short ones."""

    @abstractmethod
    def encode_with_offsets(self, text: str) -> Encoding:
        """The ids of `encode` with the characters of the ORIGINAL text that each stands for.

        Both ends of the spans never decrease, and a span neither begins nor ends with whitespace.
        """

    @abstractmethod
    def spelling(self, index: int) -> tuple[str, str]:
        """What a piece looks like in running text: a space or nothing, and its letters."""

    @abstractmethod
    def fast_file(self) -> str:
        """The text of `tokenizer.json`, which the `tokenizers` library and transformers read."""

    @abstractmethod
    def _own_file(self) -> tuple[str, bytes]:
        """Name and content of the file that lists the pieces."""

    @abstractmethod
    def _config(self, max_length: int) -> dict[str, Any]:
        """The content of `tokenizer_config.json`."""

    @abstractmethod
    def _decode(self, ids: list[int]) -> str:
        """The text of ids that are in the vocabulary."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, normalised as it was; special pieces are left out.

        Raises VocabularyError when an id is not in the vocabulary.
        """
        numbers = [int(index) for index in ids]
        for index in numbers:
            if not 0 <= index < self.vocab_size:
                raise VocabularyError(
                    f"id {index} is outside this vocabulary of {self.vocab_size:,} pieces"
                )
        return self._decode(numbers)

    def save(self, folder: Path, max_length: int = 512) -> None:
        """Write the vocabulary, `tokenizer.json` and `tokenizer_config.json` into a folder.

        transformers reads them with `AutoTokenizer.from_pretrained(folder)`; `max_length` is what
        it cuts to when asked to. Raises StorageError when the folder cannot be written.
        """
        folder = Path(folder)
        name, content = self._own_file()
        with atomic_file(folder / name) as file:
            file.write(content)
        with atomic_file(folder / FAST_FILE, "w") as file:
            file.write(self.fast_file())
        write_json(folder / CONFIG_FILE, self._config(max_length))

    def pair(self, a: str, b: str | None = None, max_length: int = 512) -> PairEncoding:
        """One or two texts as the model reads them, cut to `max_length` tokens."""
        return self.join(self.encode(a), None if b is None else self.encode(b), max_length)

    def join(
        self, a: Sequence[int], b: Sequence[int] | None = None, max_length: int = 512
    ) -> PairEncoding:
        """`pair` of encoded texts.

        What is too long loses tokens at the end of the longer text, of B when both are equal
        (the original's `_truncate_seq_pair`). Raises ConfigError when not even the special tokens
        fit.
        """
        room = max_length - (2 if b is None else 3)
        if room < 0:
            raise ConfigError(f"max_length {max_length} has no room for the special tokens")
        keep_a, keep_b = shared_room(len(a), 0 if b is None else len(b), room)
        ids = [self.cls_id, *a[:keep_a], self.sep_id]
        segment_ids = [0] * len(ids)
        if b is None:
            return PairEncoding(ids, segment_ids, len(a) - keep_a)
        ids += [*b[:keep_b], self.sep_id]
        segment_ids += [1] * (keep_b + 1)
        return PairEncoding(ids, segment_ids, len(a) - keep_a + len(b) - keep_b)

    def _describe(
        self,
        pieces: Sequence[str],
        special: dict[str, int],
        ordinary: NDArray[np.bool_],
        word_starts: NDArray[np.bool_],
    ) -> None:
        """Set what the attributes say; `special` has the ids of pad, unk, cls, sep and mask."""
        self.pieces = list(pieces)
        self.vocab_size = len(self.pieces)
        self.ordinary_ids = np.flatnonzero(ordinary)
        self.word_starts = word_starts
        self.pad_id = special["pad"]
        self.unk_id = special["unk"]
        self.cls_id = special["cls"]
        self.sep_id = special["sep"]
        self.mask_id = special["mask"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and other.fingerprint == self.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vocab_size:,} pieces, {self.fingerprint[:12]})"


def special_ids(
    pieces: Sequence[str], names: dict[str, str], where: Path | str, hint: str
) -> dict[str, int]:
    """The ids of the special pieces, by role. Raises VocabularyError when some are missing."""
    position = {piece: index for index, piece in enumerate(pieces)}
    if missing := [piece for piece in names.values() if piece not in position]:
        raise VocabularyError(f"{where} lacks the pieces {', '.join(missing)}: {hint}")
    return {role: position[piece] for role, piece in names.items()}


def shared_room(length_a: int, length_b: int, room: int) -> tuple[int, int]:
    """How many tokens of A and of B stay when the longer (B on ties) gives way, token by token."""
    excess = length_a + length_b - room
    if excess <= 0:
        return length_a, length_b
    level = min(excess, abs(length_a - length_b))  # cut from the longer until both are equal
    cut_a, cut_b = (level, 0) if length_a > length_b else (0, level)
    rest = excess - level  # then by turns, B first
    return length_a - cut_a - rest // 2, length_b - cut_b - (rest + 1) // 2
