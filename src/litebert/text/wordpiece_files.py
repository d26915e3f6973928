"""WordPiece vocabularies on the disk: vocab.txt, and the `tokenizer.json` of a BERT."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from litebert.foundation.errors import DataError, VocabularyError
from litebert.foundation.files import read_lines
from litebert.foundation.settings import Settings
from litebert.text.fast import fast_file
from litebert.text.source import Source, check_size

SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
INSIDE = "##"  # how a piece begins that continues a word

_SPACE = re.compile("[ \t-\r]")
_LONGEST_WORD = 1000  # matching takes time with the square of it
_SETTINGS = {
    "lower_case": "do_lower_case",
    "strip_accents": "strip_accents",
    "chinese_characters": "tokenize_chinese_chars",
}
_NORMALISER = {
    "lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "chinese_characters": "handle_chinese_chars",
}
# What asks for words that BERT's own splitting does not give (BertJapaneseTokenizer has these).
_FOREIGN = {"word_tokenizer_type": None, "subword_tokenizer_type": None, "do_basic_tokenize": True}


class WordPieceSettings(Settings):
    """How text is made uniform and split into words before WordPiece; the original's by default."""

    lower_case: bool = True
    """Turn text into lower case."""

    strip_accents: bool | None = None
    """Drop accents and other non-spacing marks; by default where text becomes lower case."""

    chinese_characters: bool = True
    """Make every Chinese character a word."""

    longest_word: int = Field(default=200, ge=1, le=_LONGEST_WORD)
    """A word of more characters is unknown. transformers takes 100 where its file says nothing."""

    @property
    def drops_accents(self) -> bool:
        """Whether accents are dropped."""
        return self.lower_case if self.strip_accents is None else self.strip_accents


def read_vocabulary(source: Source) -> tuple[list[str], WordPieceSettings]:
    """The pieces by id, and the settings that the files beside them say.

    tokenizer_config.json counts before tokenizer.json, as in transformers. Raises VocabularyError,
    naming file and line, where the files are damaged, contradict each other or ask for more than
    BERT's tokenizer does.
    """
    for key, usual in _FOREIGN.items():
        if source.config.get(key, usual) != usual:
            raise VocabularyError(
                f"{source.config_file}: {key} asks for another tokenizer than BERT's, "
                "which litebert does not have"
            )
    values: dict[str, Any] = {}
    pieces: list[str] | None = None
    if source.fast is not None:
        pieces, values = _read_fast(source.fast, source.fast_file)
    if source.file != source.fast_file:
        listed = read_list(source.file)
        if pieces is not None and pieces != listed:
            raise _disagreement(listed, pieces, source)
        pieces = listed
    assert pieces is not None
    values |= {name: source.config[key] for name, key in _SETTINGS.items() if key in source.config}
    try:
        return pieces, WordPieceSettings.model_validate(values, strict=True)
    except ValueError:
        raise VocabularyError(
            f"{source.config_file}: do_lower_case, strip_accents and tokenize_chinese_chars "
            "must be true or false"
        ) from None


def read_list(file: Path) -> list[str]:
    """The pieces of a vocab.txt, a line each. Raises VocabularyError, naming the line."""
    check_size(file)
    try:
        pieces = [line for _, line in read_lines(file)]
    except DataError as error:
        raise VocabularyError(str(error)) from None
    check_pieces(pieces, lambda index: f"{file}, line {index + 1}")
    return pieces


def check_pieces(pieces: Sequence[str], place: Callable[[int], str]) -> None:
    """Raise VocabularyError, saying the `place` of an index, where a piece cannot be one."""
    seen: dict[str, int] = {}
    for index, piece in enumerate(pieces):
        if not piece:
            raise VocabularyError(
                f"{place(index)} is empty: put a piece on every line, in the order of their ids"
            )
        if _SPACE.search(piece):
            raise VocabularyError(
                f"{place(index)}: {piece[:40]!r} is no piece: there is a space in it, or beside it"
            )
        first = seen.setdefault(piece, index)
        if first != index:
            raise VocabularyError(
                f'{place(index)}: the piece "{piece:.40}" is there already ({place(first)}): '
                "every piece may stand there once"
            )
    try:
        "\n".join(pieces).encode("utf-8")
    except UnicodeEncodeError as error:
        index = "\n".join(pieces)[: error.start].count("\n")
        raise VocabularyError(f"{place(index)} is damaged: the piece is no text") from None


def fast_wordpiece(pieces: Sequence[str], settings: WordPieceSettings) -> str:
    """The text of `tokenizer.json` for a WordPiece vocabulary."""
    return fast_file(
        {role: (piece, pieces.index(piece)) for role, piece in SPECIAL.items()},
        normalizer={
            "type": "BertNormalizer",
            "clean_text": True,
            **{theirs: getattr(settings, name) for name, theirs in _NORMALISER.items()},
        },
        pre_tokenizer={"type": "BertPreTokenizer"},
        decoder={"type": "WordPiece", "prefix": INSIDE, "cleanup": True},
        model={
            "type": "WordPiece",
            "unk_token": SPECIAL["unk"],
            "continuing_subword_prefix": INSIDE,
            "max_input_chars_per_word": settings.longest_word,
            "vocab": {piece: index for index, piece in enumerate(pieces)},
        },
    )


def stored_settings(settings: WordPieceSettings) -> dict[str, Any]:
    """The settings in the words of `tokenizer_config.json`."""
    return {key: getattr(settings, name) for name, key in _SETTINGS.items()}


def _read_fast(content: dict[str, Any], file: Path) -> tuple[list[str], dict[str, Any]]:
    """The pieces by id and the settings of a `tokenizer.json`."""
    model = content["model"]
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, dict) or not all(
        isinstance(index, int) for index in vocabulary.values()
    ):
        raise VocabularyError(f"{file}: its vocabulary is not an object of pieces with their ids")
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    for index, piece in enumerate(pieces):
        if vocabulary[piece] != index:
            raise VocabularyError(
                f'{file}: "{piece:.40}" has the id {vocabulary[piece]} where {index} is expected: '
                "ids must count from 0 without gaps"
            )
    check_pieces(pieces, lambda index: f"{file}, id {index}")
    normaliser, words = content.get("normalizer"), content.get("pre_tokenizer")
    if (
        not isinstance(normaliser, dict)
        or normaliser.get("type") != "BertNormalizer"
        or not normaliser.get("clean_text", True)
        or not isinstance(words, dict)
        or words.get("type") != "BertPreTokenizer"
        or model.get("continuing_subword_prefix", INSIDE) != INSIDE
        or model.get("unk_token", SPECIAL["unk"]) != SPECIAL["unk"]
    ):
        raise VocabularyError(
            f"{file} is not BERT's tokenizer: it normalises text, splits words or marks pieces in "
            "another way, which litebert cannot follow"
        )
    values = {name: normaliser[key] for name, key in _NORMALISER.items() if key in normaliser}
    values["longest_word"] = model.get("max_input_chars_per_word", 100)
    try:
        WordPieceSettings.model_validate(values, strict=True)
    except ValueError:
        raise VocabularyError(
            f"{file}: lowercase, strip_accents and handle_chinese_chars must be true or false, "
            f"max_input_chars_per_word a number from 1 to {_LONGEST_WORD:,}"
        ) from None
    return pieces, values


def _disagreement(listed: list[str], stated: list[str], source: Source) -> VocabularyError:
    """The error for a vocab.txt and a tokenizer.json that are of different models."""
    index = next(
        (i for i, (a, b) in enumerate(zip(listed, stated, strict=False)) if a != b),
        min(len(listed), len(stated)),
    )
    return VocabularyError(
        f"{source.file} and {source.fast_file.name} beside it have different vocabularies "
        f"(first at id {index}): remove the one that is not the model's"
    )
