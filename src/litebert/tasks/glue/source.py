"""A task of GLUE, from its official files to a model, its scores and the files to hand in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError, DataError
from litebert.tasks.glue.data import GlueExample, find_glue, read_glue
from litebert.tasks.glue.submission import submission_file, write_submission
from litebert.tasks.glue.tasks import GlueTask
from litebert.tasks.kind import Evaluation
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import TaskData
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class GlueSource:
    """The training and the development set of a task, in GLUE's folder or in the task's own."""

    task: GlueTask
    data: Path

    def load(
        self, settings: FinetuneSettings, config: EncoderConfig, tokenizer: Tokenizer
    ) -> TaskData:
        """Read both; MNLI is validated on the matched half.

        Raises ConfigError where the task has no training set, DataError where the files do not fit.
        """
        task, preset = self.task, self.task.preset
        if preset is None:
            raise ConfigError(
                f"{task.name} has no training set: fine-tune on mnli, and predict {task.name} with "
                f"that model (litebert predict MODEL {self.data} --task {task.name})"
            )
        skip = settings.course.skip_bad
        training, validation = (read_glue(task, self.data, s, skip) for s in ("train", "dev"))
        remarks = [
            f"{name}: {one.remark}"
            for name, one in (("training", training), ("validation", validation))
            if one.remark
        ]
        labels = {"score_range": task.score_range} if task.regression else {"labels": task.labels}
        return TaskData(
            kind="regression" if task.regression else "classification",
            training=training.examples,
            validation=validation.examples,
            fields={
                **labels,
                "dataset": task.name,
                "text_column": task.text,
                "pair_column": task.pair,
                "label_column": task.label,
            },
            files=[find_glue(task, self.data, split) for split in ("train", "dev")],
            max_length=min(preset.max_length, config.max_position_embeddings),
            metric=task.metrics[0],
            preset=preset,
            remarks=remarks,
        )


@dataclass(frozen=True)
class NamedGlue:
    """A task of GLUE on the command line."""

    task: GlueTask

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.name

    def source(self, data: Path, validation: Path | None = None) -> GlueSource:
        """What to fine-tune on. Raises ConfigError where a file to validate on is given."""
        if validation is not None:
            raise ConfigError(
                f"{self.name} is validated on its own development set: {validation} has no place "
                "beside it"
            )
        return GlueSource(self.task, data)

    def evaluate(
        self, predictor: Predictor, data: Path, split: str | None, skip_bad: bool
    ) -> dict[str, Evaluation]:
        """The scores on a labelled split, or on every development set.

        Raises ConfigError where the model's labels are others, or the split has none.
        """
        self._check(predictor)
        labelled = [name for name in self.task.files if not name.startswith("test")]
        splits = [split] if split else [name for name in labelled if name.startswith("dev")]
        if not splits or not set(splits) <= set(labelled):
            raise ConfigError(
                f"{self.name} has no labels in {split or 'any of its files'}: "
                f"labelled are {', '.join(labelled) or 'none'}"
            )
        found = {}
        for name in splits:
            loaded = read_glue(self.task, data, name, skip_bad)
            found[name] = evaluate(
                predictor, loaded.examples, [loaded.remark] if loaded.remark else []
            )
        return found

    def submit(
        self, predictor: Predictor, data: Path, output: Path, split: str | None, skip_bad: bool
    ) -> list[str]:
        """Write the predictions of the test sets as GLUE's zip; says what the zip lacks."""
        if output.suffix.lower() != ".zip":
            raise DataError(f"{output}: predictions of {self.name} are written as a .zip: name one")
        self._check(predictor)
        splits = [split] if split else list(self.task.submission)
        files, remarks = {}, []
        for name in splits:
            if name not in self.task.submission:
                names = ", ".join(self.task.submission)
                raise ConfigError(f"{self.name}: {name} is not handed in: {names} is")
            files[self.name, name], found = predicted_file(
                self.task, predictor, data, name, skip_bad
            )
            remarks += found
        lacking = write_submission(output, files)
        if lacking:
            remarks.append(
                f"GLUE's site takes a zip of all files; not in this one: {', '.join(lacking)}"
            )
        return remarks

    def _check(self, predictor: Predictor) -> None:
        """Raise ConfigError unless the model predicts what the task asks for."""
        task = predictor.task
        kind = "regression" if self.task.regression else "classification"
        if task.kind != kind or getattr(task, "labels", ()) != self.task.labels:
            own = ", ".join(getattr(task, "labels", ())) or task.kind
            asked = ", ".join(self.task.labels) or kind
            raise ConfigError(f"the model predicts {own}, but {self.name} asks for {asked}")


def predicted_file(
    task: GlueTask, predictor: Predictor, data: Path, split: str, skip_bad: bool
) -> tuple[str, list[str]]:
    """The text of one file to hand in, and what has to be said about it.

    Raises as `read_glue` does. With `skip_bad` bad rows of the test file have no prediction.
    """
    loaded = read_glue(task, data, split, skip_bad)
    predicted = predictions_of(predictor, loaded.examples)
    text = submission_file(task, loaded.examples, predicted)
    if not loaded.skipped:
        return text, []
    name = task.submission[split]
    return text, [f"{name} lacks rows, and GLUE's site wants them all: {loaded.remark}"]


def predictions_of(predictor: Predictor, examples: Sequence[GlueExample]) -> list[float]:
    """The index of the label, or the number, that the model gives each example."""
    labels = getattr(predictor.task, "labels", ())
    kind, task = predictor.kind, predictor.task
    found = [kind.prediction(result, task) for result in predictor.results(examples)]
    return [labels.index(one.label) if labels else one.score for one in found]
