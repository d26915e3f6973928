"""The paper's figure on smooth transitions: how far each layer of some models carries a text.

Sharing makes the way from layer to layer even: ALBERT's distances are about the same at every
depth, BERT's are not. Source: paper, Section 3.1 and its figure of the L2 distances and cosine
similarity of each layer's input and output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError, DataError
from litebert.foundation.files import COMPRESSED, read_lines
from litebert.foundation.paths import short_names
from litebert.foundation.progress import Progress
from litebert.inference.distances import LayerDistances, layer_distances
from litebert.inference.engine import TokenSequence
from litebert.tasks.prediction.placement import InferenceSettings, place
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import (
    load_encoder,
    matching_tokenizer,
    read_config,
    resolve_model_folder,
)

LONGEST = 512  # tokens of a window, where all models take as many
_SUFFIXES = (".txt", ".md", ".jsonl", ".csv", *COMPRESSED)


class WindowSettings(InferenceSettings):
    """How a text is read, and where it is computed."""

    characters: int = Field(50_000, ge=1)
    """Characters of the text that are read; the rest is left out."""
    max_length: int | None = Field(None, ge=3)
    """Tokens of a window; by default 512, or what all of the models take."""


@dataclass(frozen=True)
class Transitions:
    """What was measured of one model."""

    name: str
    config: EncoderConfig
    distances: LayerDistances


def measure(folders: Sequence[Path], text: str, settings: WindowSettings) -> list[Transitions]:
    """Measure the layers of each model on a text, or on the text of the file that it names.

    The text is cut into windows, each between special pieces; every token counts alike, those
    included. Raises DataError where there is no text, ConfigError where a window is longer than a
    model takes, ModelFolderError and VocabularyError.
    """
    places = [resolve_model_folder(folder) for folder in folders]
    configs = [read_config(folder) for folder in places]
    length = _window_length(configs, settings.max_length)
    lines = text_lines(text, settings.characters)
    measured = []
    with Progress("Measuring layers", len(folders), "models") as progress:
        for name, folder, config in zip(short_names(folders), places, configs, strict=True):
            tokenizer = matching_tokenizer(folder, config)
            encoder = load_encoder(folder)
            resolved, device = place(encoder, encoder, settings)
            windows = cut_windows(lines, tokenizer, length)
            distances = layer_distances(encoder, windows, resolved, device)
            measured.append(Transitions(name, config, distances))
            progress.advance()
    return measured


def text_lines(text: str, characters: int) -> list[str]:
    """The first `characters` of a text or of the file it names, line by line; empty ones left out.

    Raises DataError where nothing is written there, or the name of a file leads nowhere.
    """
    path = Path(text)
    lines = text.splitlines()
    if len(lines) == 1 and _is_name(path, text):
        lines = []
        left = characters
        for _, line in read_lines(path):
            lines.append(line)
            left -= len(line)
            if left <= 0:
                break
    kept: list[str] = []
    for line in lines:
        if characters > 0 and (part := line.strip()[:characters].rstrip()):
            kept.append(part)
            characters -= len(part)
    if not kept:
        raise DataError("TEXT is empty: give a file with text, or the text itself")
    return kept


def cut_windows(lines: Sequence[str], tokenizer: Tokenizer, length: int) -> list[TokenSequence]:
    """The tokens of all lines, end to end, in windows of at most `length` with special pieces."""
    ids = [index for row in tokenizer.encode_batch(lines) for index in row]
    room = length - 2
    parts = [ids[start : start + room] for start in range(0, len(ids), room)]
    joined = [tokenizer.join(part, max_length=length) for part in parts]
    return [TokenSequence.of(window.ids, window.segment_ids) for window in joined]


def _window_length(configs: Sequence[EncoderConfig], asked: int | None) -> int:
    limit = min(config.max_position_embeddings for config in configs)
    if asked is not None and asked > limit:
        raise ConfigError(f"max_length: {asked} is more than the {limit} tokens a model here takes")
    return asked or min(limit, LONGEST)


def _is_name(path: Path, text: str) -> bool:
    """Whether a text is the name of a file. Raises DataError where it can be nothing else."""
    try:
        if path.is_dir():
            raise DataError(f"{text} is a folder where the text, or a file of it, comes last")
        if path.is_file():
            return True
    except OSError:  # longer than a name can be
        return False
    if len(text.split()) == 1 and (path.suffix in _SUFFIXES or len(path.parts) > 1):
        raise DataError(f"{text} does not exist: check the path, or give the text itself")
    return False
