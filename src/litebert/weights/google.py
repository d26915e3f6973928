"""Google's TensorFlow checkpoints into model folders; TensorFlow is not needed.

What the original's scripts leave behind (pretraining, classification, RACE, both SQuADs) and what
Google published: v1, v2, the Chinese models, BERT. Nothing that belongs to a model is passed over
in silence: what became of every variable is in the report.
"""

import re
from pathlib import Path

from litebert.encoder.models import HEADS, Head
from litebert.foundation.errors import ConfigError, ModelFolderError, nearest
from litebert.foundation.progress import Progress
from litebert.text.normalise import replace_surrogates
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer, WordPieceTokenizer
from litebert.weights.archive import is_archive
from litebert.weights.bundle import Bundle
from litebert.weights.google_checkpoint import Checkpoint, build, choose_head
from litebert.weights.google_config import (
    CONFIG_FILES,
    GoogleConfig,
    fitting_presets,
    preset_config,
    read_google_config,
)
from litebert.weights.google_source import GoogleSource, google_source
from litebert.weights.imported import (
    Imported,
    check_vocabulary,
    number_notes,
    require_place,
    save_import,
    vocabulary_notes,
)
from litebert.weights.mapping import MappingReport

_CASED = re.compile(r"(?<!un)cased", re.IGNORECASE)  # as in multi_cased_L-12_H-768_A-12


def import_google(
    source: str | Path,
    out: str | Path,
    config: str | None = None,
    vocabulary: str | Path | None = None,
    head: Head | None = None,
    allow_missing_heads: bool = False,
    cased: bool = False,
) -> Imported:
    """Make a model folder of a Google checkpoint; an older model folder in its place is replaced.

    `source` is a folder, a checkpoint's prefix, an archive, or a TensorFlow Hub module's folder;
    `config` a configuration file or a preset, by default the file beside the checkpoint;
    `vocabulary` likewise a SentencePiece model or vocab.txt. `head` says which head is wanted,
    others are skipped, and what a classifier with one output is for. `cased` models see text in its
    own case, which no file of Google's says. The report of what became of every variable is also
    written to `import.json`.

    Raises ModelFolderError where files are missing or damaged, a variable is missing or unknown, or
    a head or the pooler is missing and not allowed to; ConfigError for an unknown preset or head.
    """
    source, out = Path(source), Path(out)
    if head is not None and head not in HEADS:
        raise ConfigError(f'unknown head "{head}", {nearest(head, HEADS)}')
    require_place(source, out)
    with google_source(source, out) as files:
        found = Path(vocabulary) if vocabulary is not None else files.vocabulary()
        tokenizer = None if found is None else _tokenizer(found, cased)
        with (
            Progress(f"Reading {files.prefix.name}", unit="bytes") as progress,
            Bundle(files.prefix, progress.advance) as bundle,
        ):
            checkpoint = Checkpoint.of(bundle)
            said = _configuration(checkpoint, files, config)
            check_vocabulary(tokenizer, said.config)
            fit = choose_head(checkpoint, said, head, allow_missing_heads)
            model, rows = build(checkpoint, said, fit)
        notes = (*files.notes, *_notes(checkpoint, said), *fit.notes)
        notes += (*number_notes(model), *vocabulary_notes(tokenizer, said.config))
        if tokenizer is not None and not cased and _CASED.search(f"{source} {files.prefix}"):
            notes += ('the name says "cased": if the model keeps the case of text, give --cased',)
        every = (*rows, *checkpoint.skipped, *fit.rows)
        report = MappingReport(_where(source, files.prefix), every, notes)
        name = None if found is None else found.name
        made = Imported(out, said.config, fit.blueprint.head, name, report)
        save_import(made, model, tokenizer)
    return made


def _tokenizer(file: Path, cased: bool) -> Tokenizer:
    tokenizer = Tokenizer.load(file)
    if cased and isinstance(tokenizer, WordPieceTokenizer):
        kept = tokenizer.settings.changed(lower_case=False)
        return WordPieceTokenizer(tokenizer.pieces, kept, file)
    if cased and isinstance(tokenizer, SentencePieceTokenizer):
        upright = tokenizer.normalisation.changed(lower_case=False)
        return SentencePieceTokenizer(tokenizer.model, upright, file)
    return tokenizer


def _configuration(checkpoint: Checkpoint, files: GoogleSource, asked: str | None) -> GoogleConfig:
    """What was asked for, or is beside the checkpoint."""
    if asked is not None and not Path(asked).is_file():
        return preset_config(asked, checkpoint.family)
    path = Path(asked) if asked is not None else files.configuration()
    if path is not None:
        return read_google_config(path, checkpoint.family)
    fitting = fitting_presets(checkpoint.shapes, checkpoint.family)
    fit = f"its shapes are those of {' and '.join(fitting)}" if fitting else "no preset fits it"
    raise ModelFolderError(
        f"{checkpoint.bundle.where}: {CONFIG_FILES[checkpoint.family]} is not beside it; name a "
        f"configuration file or a preset with --config ({fit})"
    )


def _where(source: Path, prefix: Path) -> str:
    """The checkpoint as the user knows it: an archive's lay in a temporary folder."""
    where = f"{source} ({prefix.name})" if is_archive(source) else str(prefix)
    return replace_surrogates(where)


def _notes(checkpoint: Checkpoint, said: GoogleConfig) -> list[str]:
    """What the user should know besides what became of the variables."""
    notes: list[str] = []
    file = Path(said.where).name
    if checkpoint.prefix:
        notes.append(f'the names begin with "{checkpoint.prefix}", which was left out')
    if said.ignored:
        notes.append(f"{file}: {', '.join(said.ignored)}: ignored, nothing depends on it")
    if said.config.hidden_act == "gelu":
        notes.append(f'{file}: "gelu" is the tanh approximation in Google\'s files, and stays it')
    return notes
