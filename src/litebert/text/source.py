"""Which file of a folder holds the vocabulary, of which kind it is, and what lies beside it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from litebert.foundation.errors import VocabularyError
from litebert.foundation.files import read_json

Kind = Literal["SentencePiece", "WordPiece"]

MODEL_FILE = "spiece.model"
LIST_FILE = "vocab.txt"
FAST_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
ADDED_FILE = "added_tokens.json"  # where older transformers keep what was added to a vocabulary

_LARGEST = 256 << 20  # bytes; vocabularies of a million pieces are a tenth of it
_KINDS: dict[str, Kind] = {"Unigram": "SentencePiece", "WordPiece": "WordPiece"}
_CONFLICT = "{path} holds both {a} and {b}: remove the one that is not the model's"


@dataclass(frozen=True)
class Source:
    """A vocabulary on the disk."""

    kind: Kind
    file: Path
    """The file that lists the pieces: spiece.model, vocab.txt or, without them, tokenizer.json."""
    fast: dict[str, Any] | None
    """What tokenizer.json says, where it is needed: without spiece.model and beside vocab.txt."""
    config: dict[str, Any]
    """What tokenizer_config.json says; nothing where there is none."""

    @property
    def config_file(self) -> Path:
        """Where the settings are, or would be."""
        return self.file.with_name(CONFIG_FILE)

    @property
    def fast_file(self) -> Path:
        """Where tokenizer.json is, or would be."""
        return self.file if self.file.suffix == ".json" else self.file.with_name(FAST_FILE)


def find_vocabulary(path: Path) -> Source:
    """The vocabulary that `path` is or holds.

    `path` is a folder, a SentencePiece model, a vocab.txt or a tokenizer.json. Raises
    VocabularyError when there is none, a file is damaged, or two files contradict each other.
    """
    file = path if path.is_file() else _file_in(path)
    fast: dict[str, Any] | None = None
    if file.suffix == ".json":
        fast = _read_object(file)
        kind = _kind_of(fast, file)
    elif file.suffix == ".txt":
        kind = "WordPiece"
        beside = file.with_name(FAST_FILE)
        if file.name == LIST_FILE and beside.is_file():
            fast = _read_object(beside)
            if _kind_of(fast, beside) != kind:
                raise VocabularyError(_CONFLICT.format(path=file.parent, a=LIST_FILE, b=beside))
    else:
        kind = "SentencePiece"
    config_file = file.with_name(CONFIG_FILE)
    config = _read_object(config_file) if config_file.is_file() else {}
    return Source(kind, file, fast, config)


def read_bytes(file: Path) -> bytes:
    """The content of a vocabulary's file. Raises VocabularyError when it cannot be read."""
    try:
        check_size(file)
        return file.read_bytes()
    except OSError as error:
        raise VocabularyError(f"{file} cannot be read: {error.strerror or error}") from None


def check_size(file: Path) -> None:
    """Raise VocabularyError before reading a file that is too large to be a vocabulary's."""
    if file.stat().st_size > _LARGEST:
        raise VocabularyError(f"{file} is far too large for a vocabulary: name another file")


def refuse_added_pieces(source: Source, pieces: Collection[str]) -> None:
    """Raise VocabularyError where transformers was told to add pieces to the vocabulary.

    They cut texts before the vocabulary is asked, so that a reader who overlooks them silently
    gives other ids. Special ones that the vocabulary has anyway do not count.
    """
    for file, name, special in _added_pieces(source):
        if name in pieces and (special or source.kind == "SentencePiece"):
            continue
        raise VocabularyError(
            f'{file} adds "{name:.40}" to the vocabulary, which litebert does not follow: '
            "save the tokenizer without added tokens"
        )


def _added_pieces(source: Source) -> Iterator[tuple[Path, str, bool]]:
    """(where, piece, whether it is special) of all that was added to the vocabulary."""
    file = source.file.with_name(ADDED_FILE)
    if file.is_file():
        yield from ((file, name, True) for name in _read_object(file))
    listed = source.config.get("added_tokens_decoder")
    for file, tokens in (
        (source.config_file, listed.values() if isinstance(listed, dict) else []),
        (source.fast_file, (source.fast or {}).get("added_tokens") or []),
    ):
        for token in tokens:
            if not isinstance(token, dict) or not isinstance(token.get("content"), str):
                raise VocabularyError(f"{file}: an added token has no content")
            yield file, token["content"], token.get("special") is True


def _file_in(path: Path) -> Path:
    if not path.is_dir():
        state = "is neither a file nor a folder" if path.exists() else "does not exist"
        raise VocabularyError(
            f"{path} {state}: name a vocabulary folder, {MODEL_FILE} or {LIST_FILE}"
        )
    present = [path / name for name in (MODEL_FILE, LIST_FILE) if (path / name).is_file()]
    if len(present) == 2:
        raise VocabularyError(_CONFLICT.format(path=path, a=MODEL_FILE, b=LIST_FILE))
    if present:
        return present[0]
    if (path / FAST_FILE).is_file():
        return path / FAST_FILE
    raise VocabularyError(
        f"{path} holds no {MODEL_FILE}, {LIST_FILE} or {FAST_FILE}: name a vocabulary folder "
        "(see `litebert vocab train`)"
    )


def _kind_of(fast: dict[str, Any], file: Path) -> Kind:
    model = fast.get("model")
    name = model.get("type") if isinstance(model, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        held = f"a {name:.40} model" if isinstance(name, str) else "no model that it names"
        raise VocabularyError(
            f"{file} holds {held}: litebert reads WordPiece (BERT's) and Unigram (ALBERT's)"
        )
    return _KINDS[name]


def _read_object(file: Path) -> dict[str, Any]:
    check_size(file)
    try:
        content = read_json(file, VocabularyError)
    except VocabularyError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise VocabularyError(f"{file} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise VocabularyError(f"{file} is not a JSON object")
    return content
