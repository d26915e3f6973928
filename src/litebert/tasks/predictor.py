"""A fine-tuned model on new rows.

Legend: N real tokens of a packed batch, B rows of it, C labels.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litebert.encoder.models import ClassificationModel
from litebert.foundation.errors import DataError
from litebert.inference.engine import Engine
from litebert.tasks.features import Tally, Texts, encode_texts
from litebert.tasks.placement import InferenceSettings, place
from litebert.tasks.task import Prediction, Task
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import load_classifier, matching_tokenizer, resolve_model_folder

Row = str | tuple[str, str] | Mapping[str, Any]


def load_predictor(folder: str | Path, settings: InferenceSettings | None = None) -> "Predictor":
    """Load a fine-tuned model from its model folder, or from the run folder that holds it.

    Raises ModelFolderError where the folder is no model or was not fine-tuned.
    """
    found = resolve_model_folder(Path(folder))
    model, stored = load_classifier(found)
    # A folder of another tool's making has no task.json: what it does not say is the default.
    task = Task.stored({"max_length": model.config.max_position_embeddings, **stored}, found)
    return Predictor(model, matching_tokenizer(found, model.config), task, settings)


class Predictor:
    """Predicts labels. A row is a text, a pair of texts, or a mapping from column names.

    Rows longer than the task's `max_length` tokens are cut at their end, as in training.
    """

    def __init__(
        self,
        model: ClassificationModel,
        tokenizer: Tokenizer,
        task: Task,
        settings: InferenceSettings | None = None,
    ) -> None:
        self.task = task
        self.tokenizer = tokenizer
        settings = settings or InferenceSettings()
        self.settings, device = place(model, model.encoder, settings)
        self._engine = Engine(model, task.max_length, self.settings, device)

    def predict(self, rows: Iterable[Row]) -> list[Prediction]:
        """The prediction of every row, in order. Raises DataError for a row of another form."""
        return list(self.stream(rows))

    def stream(self, rows: Iterable[Row], tally: Tally | None = None) -> Iterator[Prediction]:
        """The same as rows come: a stretch of them is read ahead, and memory stays bounded.

        `tally` counts the rows, and those that were cut or empty.
        """
        return self.stream_texts((self._texts(row) for row in rows), tally)

    def stream_texts(
        self, texts: Iterable[Texts], tally: Tally | None = None
    ) -> Iterator[Prediction]:
        """`stream` for rows given as (text, None), or (text, second text) for a task of pairs."""
        for values in self.log_probabilities(texts, tally):
            yield Prediction.of(self.task.labels, np.exp(values).tolist())

    def log_probabilities(
        self, texts: Iterable[Texts], tally: Tally | None = None
    ) -> Iterator[NDArray[np.float64]]:
        """The log-probability of every label (C,), for each of the texts in order."""
        sequences = encode_texts(texts, self.tokenizer, self.task.max_length, tally)
        for logits in self._engine.run(sequences):
            wide = logits.astype(np.float64)
            shifted = wide - wide.max()
            yield shifted - np.log(np.exp(shifted).sum())

    def _texts(self, row: Row) -> Texts:
        """The one or two texts of a row."""
        first, second = self.task.text_column, self.task.pair_column
        if isinstance(row, Mapping):
            parts: tuple[Any, ...] = tuple(
                _column(row, name) for name in (first, second) if name is not None
            )
        else:
            parts = (row,) if isinstance(row, str) else tuple(row)
        wanted = 1 if second is None else 2
        if len(parts) != wanted or not all(isinstance(part, str) for part in parts):
            form = f'a text ("{first}")' if wanted == 1 else f'two texts ("{first}", "{second}")'
            raise DataError(f"a row of this model is {form}, not {_shown(row)}")
        return parts[0], parts[1] if wanted == 2 else None


def _column(row: Mapping[str, Any], name: str) -> Any:
    if name not in row:
        raise DataError(f'a row has no column "{name}"; it has: {", ".join(map(str, row))}')
    return row[name]


def _shown(row: object, limit: int = 60) -> str:
    text = repr(row)
    return text if len(text) <= limit else text[: limit - 1] + "…"
