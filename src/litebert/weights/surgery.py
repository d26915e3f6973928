"""A trained model on another vocabulary: what it knows of the pieces of both is kept.

A piece that both vocabularies have keeps its embedding and its masked-LM bias. Any other begins as
the mean of the pieces that the old tokenizer writes in its place; where it knows none, as the mean
of all ordinary pieces. Special pieces are matched by what they are for. Between SentencePiece
(`▁the`, `ing`) and WordPiece (`the`, `##ing`) pieces are the same that look alike in running text;
of a character that WordPiece always makes a word of (a comma, a Chinese one) it is the bare one.

V rows of a table, E embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from litebert.encoder.encoder import Encoder
from litebert.encoder.models import Model, encoder_of
from litebert.foundation.errors import ConfigError
from litebert.text.tokenizer import Tokenizer
from litebert.weights.assembly import rebuilt

_ROLES = ("pad_id", "unk_id", "cls_id", "sep_id", "mask_id")


@dataclass(frozen=True)
class RowSources:
    """Where each row of the new tables comes from, and how many pieces fared how."""

    rows: Sequence[Sequence[int]]
    """For each new row the old ones it is the mean of; none for the mean of `ordinary`."""
    ordinary: Sequence[int]
    """The old rows of pieces that stand for text."""
    kept: int
    """Pieces that were there before."""
    averaged: int
    """New pieces with the mean of those written in their place."""
    anew: int
    """New pieces with the mean of all ordinary ones."""

    @property
    def pieces(self) -> int:
        """Pieces in all; rows beyond them belong to none."""
        return self.kept + self.averaged + self.anew


def replaced_vocabulary(old: Tokenizer, new: Tokenizer) -> RowSources:
    """The sources of a new vocabulary's rows, by what the old one has for its pieces."""
    finder = _Finder(old, new)
    same = [finder.same(index) for index in range(new.vocab_size)]
    rows = [finder.parts(index) if found is None else (found,) for index, found in enumerate(same)]
    kept, anew = len(same) - same.count(None), rows.count(())
    return RowSources(rows, old.ordinary_ids.tolist(), kept, len(rows) - kept - anew, anew)


def same_vocabulary(tokenizer: Tokenizer) -> RowSources:
    """The sources of the vocabulary that the model has already."""
    rows = [(index,) for index in range(tokenizer.vocab_size)]
    return RowSources(rows, tokenizer.ordinary_ids.tolist(), len(rows), 0, 0)


def every_row(rows: int) -> RowSources:
    """The sources of a table of which nothing says what its rows stand for: all are kept."""
    return RowSources([(index,) for index in range(rows)], range(rows), rows, 0, 0)


def padded(sources: RowSources, rows: int) -> RowSources:
    """The same in a table of `rows`, of which those beyond the pieces begin as the mean row.

    Raises ConfigError where there are fewer rows than pieces.
    """
    if rows < sources.pieces:
        raise ConfigError(
            f"vocab_size: {rows:,} rows are asked for, the vocabulary has {sources.pieces:,} "
            "pieces: ask for as many at least, or for another vocabulary"
        )
    extra: list[Sequence[int]] = [()] * (rows - sources.pieces)
    return replace(sources, rows=[*sources.rows[: sources.pieces], *extra])


def with_vocabulary(model: Model, sources: RowSources) -> Model:
    """The model with word embeddings and masked-LM biases from `sources`; `model` stays as it is.

    All else keeps its values; `vocab_size` becomes the number of rows.
    """
    word = "embeddings.word.weight"
    tables = (word if isinstance(model, Encoder) else f"encoder.{word}", "masked_lm.bias")
    state = {
        name: _rows(tensor, sources) if name in tables else tensor
        for name, tensor in model.state_dict().items()
    }
    config = encoder_of(model).config.changed(vocab_size=len(sources.rows))
    return rebuilt(model, config, state)


def _rows(table: Tensor, sources: RowSources) -> Tensor:
    """The rows (V, E), or the numbers (V,), of a new table, from those of an old one."""
    mean = table[torch.tensor(sources.ordinary, device=table.device)].mean(0)
    new = mean.expand(len(sources.rows), *mean.shape).clone()
    single = [(index, row[0]) for index, row in enumerate(sources.rows) if len(row) == 1]
    places, olds = torch.tensor(single, device=table.device).reshape(-1, 2).T
    new[places] = table[olds]
    for index, row in enumerate(sources.rows):
        if len(row) > 1:
            new[index] = table[list(row)].mean(0)
    return new


class _Finder:
    """Looks the pieces of a new vocabulary up in an old one."""

    def __init__(self, old: Tokenizer, new: Tokenizer) -> None:
        self._old, self._new = old, new
        self._special: dict[int, int] = {getattr(new, r): getattr(old, r) for r in _ROLES}
        self._outside = frozenset(self._special.values())
        self._spelled: dict[tuple[str, str], int] = {}
        self._exact: dict[str, int] = {}
        for index in range(old.vocab_size):
            if index not in self._outside:
                self._exact[old.pieces[index]] = index
                self._spelled.setdefault(old.spelling(index), index)
        pair = {tokenizer.kind: tokenizer for tokenizer in (old, new)}
        self._words = pair["WordPiece"] if len(pair) == 2 else None

    def same(self, index: int) -> int | None:
        """The old piece that is the same as a new one."""
        if index in self._special:
            return self._special[index]
        piece = self._new.pieces[index]
        if self._words is None:
            return self._exact.get(piece)
        space, letters = self._new.spelling(index)
        if self._is_always_a_word(letters):
            return self._exact.get(letters)
        return self._spelled.get((space, letters))

    def parts(self, index: int) -> tuple[int, ...]:
        """The old pieces that are written in place of a new one; none where nothing is known.

        Within a word, a first piece that begins one gives way to the same without the space.
        """
        space, letters = self._new.spelling(index)
        ids = [i for i in self._old.encode(letters) if i not in self._outside]
        if ids and not space:
            first = self._old.spelling(ids[0])[1]
            ids[0] = self._spelled.get(("", first), ids[0])
        return tuple(i for i in ids if self._old.spelling(i)[1])

    def _is_always_a_word(self, letters: str) -> bool:
        """Whether WordPiece makes a word of a character wherever it stands."""
        if self._words is None or len(letters) != 1:
            return False
        return self._words.encode(f"a{letters}a") == self._words.encode(f"a {letters} a")
