"""A fine-tuned model on new rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from litebert.encoder.models import ClassificationModel, Model, encoder_of, head_of
from litebert.foundation.errors import ConfigError, ModelFolderError
from litebert.inference.engine import Engine
from litebert.tasks.features import Tally
from litebert.tasks.kind import Result
from litebert.tasks.kinds import kind_of, stored_task
from litebert.tasks.prediction.placement import InferenceSettings, place
from litebert.tasks.prediction.results import Member, results_of
from litebert.tasks.task import Task
from litebert.tasks.words import shortened
from litebert.text.tokenizer import Tokenizer
from litebert.weights.folder import load_fine_tuned, matching_tokenizer, resolve_model_folder


def load_predictor(
    folder: str | Path | Sequence[str | Path], settings: InferenceSettings | None = None
) -> "Predictor":
    """Load a fine-tuned model from its model folder, or from the run folder that holds it.

    Several folders become one ensemble: what they say is averaged. Raises ModelFolderError where a
    folder is no model or was not fine-tuned, ConfigError where models do not fit each other.
    """
    folders = [folder] if isinstance(folder, str | Path) else list(folder)
    if not folders:
        raise ConfigError("no model folder is given: name one or more")
    predictors = [_load(Path(one), settings) for one in folders]
    first = predictors[0]
    for name, other in zip(folders[1:], predictors[1:], strict=True):
        first.join(other, str(folders[0]), str(name))
    return first


def _load(folder: Path, settings: InferenceSettings | None) -> "Predictor":
    found = resolve_model_folder(folder)
    model, stored = load_fine_tuned(found)
    # A folder of another tool's making has no task.json: what it does not say is the default.
    limit = encoder_of(model).config.max_position_embeddings
    task = stored_task({"max_length": limit, **stored}, found)
    kind = kind_of(task)
    if head_of(model) != kind.head:
        raise ModelFolderError(
            f"{found}: the head is for {head_of(model)}, but the task in task.json is {task.kind}"
        )
    outputs = model.classifier.out_features if isinstance(model, ClassificationModel) else None
    if outputs not in (None, kind.classes(task)):
        raise ModelFolderError(
            f"{found}: the model has {outputs} outputs, but its task, a {task.kind}, "
            f"needs {kind.classes(task)}"
        )
    return Predictor(model, matching_tokenizer(found, encoder_of(model).config), task, settings)


class Predictor:
    """Predicts rows of the task's kind: for a classification, a row is a text, a pair of texts, or
    a mapping from column names.

    Rows longer than the task's `max_length` tokens are cut as in training.
    """

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        task: Task,
        settings: InferenceSettings | None = None,
    ) -> None:
        self.task = task
        self.kind = kind_of(task)
        self.tokenizer = tokenizer
        settings = settings or InferenceSettings()
        self.settings, device = place(model, encoder_of(model), settings)
        engine = Engine(self.kind.forward(model), task.max_length, self.settings, device)
        self._members = [Member(task, tokenizer, engine)]

    @property
    def models(self) -> int:
        """How many models answer together."""
        return len(self._members)

    def join(self, other: "Predictor", name: str, other_name: str) -> None:
        """Let another predictor's models answer together with these.

        Raises ConfigError, by their names, where they were not trained for the same.
        """
        if other.task.kind != self.task.kind:
            raise ConfigError(
                f"{name} is a {self.task.kind} and {other_name} a {other.task.kind}: "
                "only models of one kind can answer together"
            )
        for field in self.kind.agree:
            of_tokenizer = field == "tokenizer"
            mine, theirs = (
                p.tokenizer.fingerprint if of_tokenizer else getattr(p.task, field)
                for p in (self, other)
            )
            if mine != theirs:
                shown = "" if of_tokenizer else f" ({shortened(f'{mine} and {theirs}', 120)})"
                raise ConfigError(
                    f"{name} and {other_name} differ in {field}{shown}: they cannot answer together"
                )
        self._members += other._members

    def columns(self, given: Mapping[str, str] | None = None) -> dict[str, str]:
        """The columns of a table to predict by what they hold ("text" …), the task's own unless
        given. Raises ConfigError for what this kind of task does not read."""
        own, given = self.kind.columns(self.task), given or {}
        for role in given:
            if role not in own:
                raise ConfigError(
                    f"this model reads no column of a {role}: it reads {' and '.join(own)}"
                )
        return {**own, **given}

    def predict(self, rows: Iterable[Any]) -> list[Any]:
        """The prediction of every row, in order. Raises DataError for a row of another form."""
        return list(self.stream(rows))

    def stream(self, rows: Iterable[Any], tally: Tally | None = None) -> Iterator[Any]:
        """The same as rows come: a stretch of them is read ahead, and memory stays bounded.

        `tally` counts the rows, and those that were cut or empty.
        """
        examples = (self.kind.query(row, self.task) for row in rows)
        for result in self.results(examples, tally):
            yield self.kind.prediction(result, self.task)

    def results(self, examples: Iterable[Any], tally: Tally | None = None) -> Iterator[Result]:
        """The results of examples of the task's kind, labelled or not, in order."""
        tally = tally if tally is not None else Tally()
        return results_of(self.kind, self._members, examples, tally)
