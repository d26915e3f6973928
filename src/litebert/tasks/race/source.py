"""RACE, from its folder to a model, its scores and its predictions."""

from dataclasses import dataclass
from pathlib import Path

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.tasks.choice.kind import CHOICE
from litebert.tasks.kind import Evaluation
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.outputs import output_format, write_predictions
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.presets import Preset
from litebert.tasks.race.data import LEVELS, PRESET, PRESET_V2, race_folders, read_race
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import TaskData
from litebert.tasks.tabular import Row, Table
from litebert.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class RaceSource:
    """The training and the development set of RACE, or of other questions in its form."""

    data: Path

    def load(
        self, settings: FinetuneSettings, config: EncoderConfig, tokenizer: Tokenizer
    ) -> TaskData:
        """Read both. Raises DataError where the files do not fit."""
        level, skip = settings.race.level, settings.course.skip_bad
        levels = LEVELS if level == "both" else (level,)
        training, validation = (
            read_race(self.data, split, levels, skip_bad=skip) for split in ("train", "dev")
        )
        preset = race_preset(config)
        return TaskData(
            kind=CHOICE.name,
            training=training.examples,
            validation=validation.examples,
            fields={"dataset": "race"},
            files=[
                folder
                for split in ("train", "dev")
                for _, folder in race_folders(self.data, split, levels)
            ],
            max_length=min(preset.max_length, config.max_position_embeddings),
            preset=preset,
            remarks=[
                f"{name}: {loaded.remark}"
                for name, loaded in (("training", training), ("validation", validation))
                if loaded.remark
            ],
        )


def race_preset(config: EncoderConfig) -> Preset:
    """The published hyper-parameters for a model: those of the second version where it has no
    dropout, as that version has none."""
    without = config.hidden_dropout_prob == 0 and config.attention_probs_dropout_prob == 0
    return PRESET_V2 if without else PRESET


class NamedRace:
    """RACE on the command line."""

    name = "race"

    def source(self, data: Path, validation: Path | None = None) -> RaceSource:
        """What to fine-tune on. Raises ConfigError where a file to validate on is given."""
        if validation is not None:
            raise ConfigError(
                f"{self.name} is validated on its own development set: {validation} has no place "
                "beside it"
            )
        return RaceSource(data)

    def evaluate(
        self, predictor: Predictor, data: Path, split: str | None, skip_bad: bool
    ) -> dict[str, Evaluation]:
        """The scores on the development set, or another split: RACE gives the test's answers, too.

        Raises ConfigError where the model is for another kind of task.
        """
        _check(predictor)
        name = split or "dev"
        loaded = read_race(data, name, skip_bad=skip_bad)
        remarks = [loaded.remark] if loaded.remark else []
        return {name: evaluate(predictor, loaded.examples, remarks)}

    def submit(
        self, predictor: Predictor, data: Path, output: Path, split: str | None, skip_bad: bool
    ) -> list[str]:
        """Write the predictions for the test set, or another split, as .csv or .jsonl, a line each.

        The question's id is that of its article and its number in it, from 1.
        """
        _check(predictor)
        output_format(output)
        name = split or "test"
        loaded = read_race(data, name, labelled=False, skip_bad=skip_bad)
        table = Table(f"{data}, {name}", ("id", "level", "question"), lambda: iter(()))
        predicted = (
            (
                Row(0, {column: getattr(result.example, column) for column in table.columns}),
                predictor.kind.prediction(result, predictor.task),
            )
            for result in predictor.results(loaded.examples)
        )
        write_predictions(predictor, table, predicted, output)
        return [loaded.remark] if loaded.remark else []


def _check(predictor: Predictor) -> None:
    """Raise ConfigError unless the model chooses among options."""
    if predictor.task.kind != CHOICE.name:
        raise ConfigError(
            f"the model is for {predictor.task.kind}, RACE needs one for {CHOICE.name}"
        )
