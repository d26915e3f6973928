"""What pretraining begins with: the weights of another model, grown to the one that is asked for,
or word vectors made of the corpus.

The paper's deep models were trained so, each from the one before (Tables 11 and 13). The folder is
needed when the run begins, and never again: its weights are the run's first checkpoint.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from litebert.corpus.shards import TOKENIZER_FOLDER, Corpus
from litebert.corpus.stream import InstanceStream
from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import PretrainingModel
from litebert.foundation.errors import ModelFolderError, ResumeError, VocabularyError
from litebert.foundation.progress import console, duration
from litebert.pretraining.word_vectors import fill_word_vectors
from litebert.training.checkpoint import CHECKPOINTS, list_checkpoints
from litebert.training.run_folder import RunRecord
from litebert.weights.folder import matching_tokenizer, read_config, resolve_model_folder
from litebert.weights.grown import Grown, grown_model


def start_config(folder: str, corpus: Corpus) -> EncoderConfig:
    """The configuration of the model folder to start from.

    Raises VocabularyError where the corpus was tokenised with another vocabulary than the model's,
    or the folder has none.
    """
    source = resolve_model_folder(folder)
    config = read_config(source)
    if matching_tokenizer(source, config).fingerprint != corpus.fingerprint:
        raise VocabularyError(
            f"start_from: {corpus.folder} is tokenised with another vocabulary than {folder} has: "
            f"build the corpus with --vocabulary {folder}, or give the model the corpus' with "
            f"litebert grow {folder} OUT --vocabulary {corpus.folder / TOKENIZER_FOLDER}"
        )
    return config


def start_weights(folder: str, model: PretrainingModel) -> dict[str, Any]:
    """Fill a model with the weights of a folder, grown to its configuration; say what became of it.

    Returns what the run's record keeps: the folder, the SHA-256 of its weights, what changed.
    Raises ConfigError where the model cannot be made of them, ModelFolderError where they lack the
    heads that are trained.
    """
    grown = grown_model(folder, model.config.model_dump())
    if not isinstance(grown.model, PretrainingModel):
        raise ModelFolderError(
            f"start_from: {folder} has no masked-LM and sentence-order heads: start from a model "
            "as litebert pretrain leaves it, or from an imported one that has both"
        )
    model.load_state_dict(grown.model.state_dict())
    for line in _words(grown):
        console().print(line, markup=False)
    return {**asdict(grown.start), "changes": grown.changes}


def start_vectors(model: PretrainingModel, stream: InstanceStream, seed: int) -> dict[str, Any]:
    """Fill the word embeddings with vectors made of the corpus; returns what the record keeps."""
    began = time.perf_counter()
    tokens = fill_word_vectors(model.encoder.embeddings.word.weight, stream, seed)
    took = duration(time.perf_counter() - began)
    console().print(f"word vectors from {tokens:,} tokens in {took}", markup=False)
    return {"word_vectors": "cooccurrence", "tokens": tokens}


def require_saved(folder: Path, record: RunRecord) -> None:
    """Raise ResumeError where a run ended before it had saved the weights it began with."""
    if record.resolved.get("start") and not list_checkpoints(folder / CHECKPOINTS):
        raise ResumeError(
            f"{folder} ended before it had saved the weights it starts from: "
            "remove the folder and start the run anew"
        )


def _words(grown: Grown) -> list[str]:
    """Where the weights come from, and each part that is not as it was."""
    changed = [part for part in grown.parts if part.outcome != "kept" or part.note]
    lines = [f"starting from {grown.start.folder}; nothing begins at random"]
    lines += [f"  {part.name}: {part.outcome}: {part.note}" for part in changed]
    return [*lines, "  all else is kept as it was"]
