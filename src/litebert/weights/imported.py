"""What every import leaves behind: a model folder, in it a report, and a card that says whence."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import HEADS, Head, Model, encoder_of
from litebert.foundation.errors import ModelFolderError
from litebert.foundation.files import atomic_folder, require_vacant, write_json
from litebert.text.agreement import fast_exceptions
from litebert.text.tokenizer import Tokenizer
from litebert.weights.configuration import ARCHITECTURES, architecture
from litebert.weights.folder import is_model_folder, require_apart, save_model
from litebert.weights.mapping import OUTCOMES, MappingReport, listed

IMPORT_FILE = "import.json"


@dataclass(frozen=True)
class Imported:
    """What an import made."""

    folder: Path
    config: EncoderConfig
    head: Head
    vocabulary: str | None
    """The name of the file that the vocabulary came from."""
    report: MappingReport


def require_place(source: Path, out: Path) -> None:
    """Raise where the folder of an import cannot be written, or would change what it is made of.

    An older model folder in its place may be replaced. Raises StorageError, ModelFolderError.
    """
    require_apart(source, out)
    require_vacant(out, is_model_folder(out))


def save_import(
    made: Imported, model: Model, tokenizer: Tokenizer | None, task: dict[str, Any] | None = None
) -> None:
    """Write the model folder of an import with its report and card, atomically.

    Raises StorageError where it cannot be written.
    """
    with atomic_folder(made.folder, replace=is_model_folder(made.folder)) as new:
        save_model(new, model, tokenizer, task, import_card(made, model, tokenizer))
        write_json(new / IMPORT_FILE, made.report.as_dict())


def check_vocabulary(tokenizer: Tokenizer | None, config: EncoderConfig) -> None:
    """Raise ModelFolderError where a vocabulary has pieces that the model does not embed."""
    if tokenizer is not None and tokenizer.vocab_size > config.vocab_size:
        raise ModelFolderError(
            f"the vocabulary has {tokenizer.vocab_size:,} pieces, the model {config.vocab_size:,}: "
            "name the model's own with --vocabulary"
        )


def vocabulary_notes(tokenizer: Tokenizer | None, config: EncoderConfig) -> list[str]:
    """What the user should know of the vocabulary of an import."""
    if tokenizer is None:
        return [
            "no vocabulary is beside the weights: import again with --vocabulary, or copy "
            "spiece.model or vocab.txt into the folder"
        ]
    if tokenizer.vocab_size < config.vocab_size:
        return [
            f"the vocabulary has {tokenizer.vocab_size:,} pieces, the model "
            f"{config.vocab_size:,}: the last rows of its embeddings are never used"
        ]
    return []


def number_notes(model: Model) -> list[str]:
    """What the user should know of a model's numbers: whether some of them are none."""
    wrong = [name for name, tensor in model.state_dict().items() if not _is_finite(tensor)]
    if not wrong:
        return []
    held = "1 tensor holds" if len(wrong) == 1 else f"{len(wrong):,} tensors hold"
    return [
        f"{held} numbers that are infinite or none (NaN): {listed(wrong)}; "
        "the model was damaged, or its training failed"
    ]


def _is_finite(tensor: Tensor) -> bool:
    # Without a mask or a copy, which would be as large as the tensor.
    return all(map(math.isfinite, map(float, tensor.aminmax()))) if tensor.numel() else True


def import_card(made: Imported, model: Model, tokenizer: Tokenizer | None) -> str:
    """The `README.md` of an imported model, in Markdown."""
    config, report = made.config, made.report
    tokens = "The folder has no tokenizer."
    if tokenizer is not None:
        tokens = fast_exceptions(tokenizer)
    rows = "\n".join(
        f"| {outcome} | {OUTCOMES[outcome]} | {tensors:,} | {numbers:,} |"
        for outcome, (tensors, numbers) in report.counts().items()
    )
    notes = "\n".join(f"- {_line(note)}" for note in report.notes)
    return f"""---
library_name: litebert
---

# {_line(made.folder.name)}

{config.family.upper()}, {config.num_hidden_layers} layers of width {config.hidden_size:,}; \
head: {made.head}. Imported with litebert from `{_line(report.where)}`.

| tensors | | count | numbers |
|---|---|---|---|
{rows}

`{IMPORT_FILE}` says what became of each.{f"{chr(10) * 2}{notes}" if notes else ""}

## Tokenizer

{tokens}

## Use

```python
import litebert

{_use(made.head)}("path/to/this/folder")
```

{_in_transformers(made, encoder_of(model).pooler is not None)}
"""


def _use(head: Head) -> str:
    if head == "classification":
        return "predictor = litebert.load_predictor"
    return "encoder = litebert.load_encoder"


def _in_transformers(made: Imported, pooler: bool) -> str:
    """How transformers loads the folder, and what it does about the pooler."""
    if made.head not in ARCHITECTURES:
        return "transformers has no model with this head."
    name = architecture(made.head, made.config.family)
    said = f"The folder also loads in transformers, as `{name}`"
    if made.head == "none" and not pooler:
        return f"{said}, which makes up a pooler at random: pass `add_pooling_layer=False`."
    if pooler and made.head != "none" and not HEADS[made.head].needs_pooler:
        return f"{said}, which passes over the pooler."
    return f"{said}."


def _line(text: str) -> str:
    return " ".join(text.split())
