"""A model folder grown into another, with a report that says of every part where it comes from."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from litebert.encoder.config import EncoderConfig, Sharing
from litebert.encoder.models import MaskedLMModel, Model, encoder_of, head_of
from litebert.foundation.errors import ConfigError, ModelFolderError, VocabularyError
from litebert.foundation.files import (
    atomic_folder,
    read_json,
    require_vacant,
    sha256_file,
    write_json,
)
from litebert.foundation.settings import Settings, differences, given
from litebert.text.tokenizer import Tokenizer
from litebert.weights.configuration import DEEPEST, LARGEST
from litebert.weights.folder import (
    TASK_FILE,
    load_model,
    matching_tokenizer,
    require_apart,
    resolve_model_folder,
    save_model,
    weights_file,
)
from litebert.weights.growth import BIASES, WORDS, Part, counted, grow, grown_config, growth_of
from litebert.weights.surgery import (
    RowSources,
    every_row,
    padded,
    replaced_vocabulary,
    same_vocabulary,
    with_vocabulary,
)

GROWTH_FILE = "growth.json"


class GrowthSettings(Settings):
    """What a model grows to; what is not given stays as it is."""

    num_hidden_layers: int | None = Field(None, ge=1, le=DEEPEST)
    """Depth: how many times a layer is applied."""
    num_hidden_groups: int | None = Field(None, ge=1, le=DEEPEST)
    """How many sets of parameters the depths share."""
    inner_group_num: int | None = Field(None, ge=1, le=DEEPEST)
    """Layers run in sequence at each depth."""
    sharing: Sharing | None = None
    """Which parameters the depths share."""
    max_position_embeddings: int | None = Field(None, ge=1, le=LARGEST)
    """The longest sequence, in tokens; fewer than there are cut the table."""
    vocab_size: int | None = Field(None, ge=5, le=LARGEST)
    """Rows of the word embeddings: at least the pieces of the vocabulary, such as a multiple of 64
    for speed."""


@dataclass(frozen=True)
class Start:
    """The model folder that a model was grown from."""

    folder: str
    sha256: str
    """Of its weights' file."""


@dataclass(frozen=True)
class Grown:
    """A grown model with its tokenizer, and where it comes from."""

    model: Model
    tokenizer: Tokenizer | None
    start: Start
    changes: list[str]
    """What changed of the configuration, a line each."""
    parts: list[Part]
    pieces: dict[str, int]
    """How many pieces of a new vocabulary were kept, averaged, or made anew; empty without one."""

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data, for `growth.json`."""
        return {
            **asdict(self.start),
            "changes": self.changes,
            "pieces": self.pieces,
            "parts": [asdict(part) for part in self.parts],
        }


def grow_folder(
    folder: str | Path,
    out: str | Path,
    settings: GrowthSettings,
    vocabulary: str | Path | None = None,
) -> Grown:
    """Write a grown model folder beside the old one, with its head, task and `growth.json`.

    `vocabulary` replaces the tokenizer. Raises ConfigError where nothing is asked for or the model
    cannot grow so, VocabularyError where there is no vocabulary to start from, StorageError where
    `out` is taken.
    """
    out = Path(out)
    require_vacant(out)
    source = resolve_model_folder(folder)
    require_apart(source, out)
    tokenizer = None if vocabulary is None else Tokenizer.load(vocabulary)
    changes = given(settings)
    if not changes and tokenizer is None:
        known = ", ".join(f"--{name.replace('_', '-')}" for name in GrowthSettings.model_fields)
        raise ConfigError(f"nothing is asked for: give one of {known} or --vocabulary")
    grown = grown_model(source, changes, tokenizer)
    task = source / TASK_FILE
    with atomic_folder(out) as new:
        kept = read_json(task, ModelFolderError) if task.is_file() else None
        save_model(new, grown.model, grown.tokenizer, kept)
        write_json(new / GROWTH_FILE, grown.as_dict())
    return grown


def grown_model(
    folder: str | Path, changes: dict[str, Any], tokenizer: Tokenizer | None = None
) -> Grown:
    """The model of a folder, grown to `changes` of its configuration and to a new tokenizer.

    A changed `vocab_size` is the number of rows. Raises as `grow_folder` does.
    """
    folder = resolve_model_folder(folder)
    model = load_model(folder)
    before = encoder_of(model).config
    changes = dict(changes)
    rows = changes.pop("vocab_size", None)
    if rows == before.vocab_size and tokenizer is None:
        rows = None  # they are there
    more = rows is not None and rows > before.vocab_size
    needed = tokenizer is not None or (rows is not None and not more)
    old = _tokenizer_of(folder, before, needed)
    parts: list[Part] = []
    pieces: dict[str, int] = {}
    if needed or more:
        sources = every_row(before.vocab_size) if old is None else same_vocabulary(old)
        if old is not None and tokenizer is not None:
            sources = replaced_vocabulary(old, tokenizer)
            pieces = {"kept": sources.kept, "averaged": sources.averaged, "new": sources.anew}
        sources = padded(sources, sources.pieces if rows is None else rows)
        parts = _row_parts(model, sources)
        model = with_vocabulary(model, sources)
    config = grown_config(encoder_of(model).config, **changes)
    changed = {part.name for part in parts}
    parts += [part for part in growth_of(model, config) if part.name not in changed]
    start = Start(str(folder), sha256_file(folder / weights_file(head_of(model))))
    return Grown(
        grow(model, config),
        tokenizer or old,
        start,
        differences(before.model_dump(), config.model_dump()),
        parts,
        pieces,
    )


def _tokenizer_of(folder: Path, config: EncoderConfig, needed: bool) -> Tokenizer | None:
    """The tokenizer of a model folder, which may have none where it is not needed."""
    try:
        return matching_tokenizer(folder, config)
    except VocabularyError as error:
        if needed:
            raise VocabularyError(
                f"the vocabulary cannot change without the model's own: {error}"
            ) from None
        return None


def _row_parts(model: Model, sources: RowSources) -> list[Part]:
    """What became of the tables that have a row a piece."""
    encoder = encoder_of(model)
    before = encoder.config.vocab_size
    extra = len(sources.rows) - sources.pieces
    gone = before - len({index for row in sources.rows for index in row})
    widths = {WORDS: encoder.config.embedding_size}
    if isinstance(model, MaskedLMModel):
        widths[BIASES] = 1
    mean = "the mean of all ordinary pieces"
    parts = []
    for name, width in widths.items():
        rows = [
            Part(name, "kept", sources.kept * width, counted(sources.kept, "piece")),
            Part(
                name,
                "averaged",
                sources.averaged * width,
                f"{counted(sources.averaged, 'piece')}: the mean of what the old tokenizer writes "
                "in their place",
            ),
            Part(name, "new", sources.anew * width, f"{counted(sources.anew, 'piece')}: {mean}"),
            Part(name, "new", extra * width, f"{counted(extra, 'row')} of no piece: {mean}"),
            Part(name, "dropped", gone * width, f"{gone:,} of {before:,} rows, no longer used"),
        ]
        parts += [part for part in rows if part.parameters]
    return parts
