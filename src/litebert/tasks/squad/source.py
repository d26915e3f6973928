"""SQuAD, and questions in its form, from files to a model, its scores and its answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError, DataError
from litebert.foundation.files import write_json
from litebert.tasks.faults import Loaded
from litebert.tasks.kind import Evaluation
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.outputs import Rows, predict_file, refuse_overwriting
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.presets import Preset
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import TaskData
from litebert.tasks.span.answers import write_answers
from litebert.tasks.span.evaluation import official_answers
from litebert.tasks.span.questions import SquadQuestion
from litebert.tasks.span.task import QuestionTask
from litebert.tasks.span.windows import DOC_STRIDE, MAX_QUERY_LENGTH
from litebert.tasks.splits import hold_back
from litebert.tasks.squad.data import read_squad
from litebert.tasks.tabular import Row, Table
from litebert.text.tokenizer import Tokenizer

SPLITS = ("train", "dev")
PRESET_V1 = Preset(5e-5, 48, 0.0, 0.1, 3649, 365, 384)
"""The paper's Table 14 for SQuAD 1.1."""
PRESET_V2 = Preset(3e-5, 48, 0.0, 0.1, 8144, 814, 512)
"""And for SQuAD 2.0."""


@dataclass(frozen=True)
class SquadTask:
    """One version of SQuAD: its files, its kind of task, its published hyper-parameters."""

    name: str
    version: str
    kind: str
    preset: Preset
    epochs: int
    """Passes over the questions that the preset's steps are."""

    def file(self, data: Path, split: str) -> Path:
        """A split's file in a folder, or `data` itself where it is a file.

        Raises DataError where it is not there, naming what is.
        """
        if split not in SPLITS:
            raise ConfigError(f'{self.name} has no split "{split}": it has {" and ".join(SPLITS)}')
        if not data.is_dir():
            return data
        path = data / f"{split}-v{self.version}.json"
        if not path.is_file():
            there = sorted(file.name for file in data.glob("*.json"))
            listed = ", ".join(there[:10]) or "no .json file"
            raise DataError(f"{data} has no {path.name}: it has {listed}")
        return path

    def fitted_preset(self, questions: int) -> Preset:
        """The preset for another number of questions: as many epochs, a tenth to warm up.

        The original's int(examples / batch * epochs); the paper's steps for the official files.
        """
        steps = max(1, int(questions / self.preset.batch_size * self.epochs))
        return replace(self.preset, steps=steps, warmup_steps=round(steps / 10))

    def read(
        self, path: Path, skip_bad: bool, labelled: bool = True, kind: str | None = None
    ) -> Loaded[SquadQuestion]:
        """The questions of a file, for this task or for a model of another kind."""
        impossible = (kind or self.kind) == "answerable_span"
        return read_squad(path, labelled, skip_bad, impossible or not labelled)


SQUAD = (
    SquadTask("squad1.1", "1.1", "span", PRESET_V1, 2),
    SquadTask("squad2.0", "2.0", "answerable_span", PRESET_V2, 3),
)


@dataclass(frozen=True)
class SquadSource:
    """Training and validation questions: of the folder with the official files, or of files.

    Without questions to validate on, a share of the articles is held back.
    """

    task: SquadTask
    data: Path
    validation: Path | None = None

    def load(
        self, settings: FinetuneSettings, config: EncoderConfig, tokenizer: Tokenizer
    ) -> TaskData:
        """Read both. Raises DataError naming file, article and question."""
        task, skip, chosen = self.task, settings.course.skip_bad, settings.squad
        files = [task.file(self.data, "train")]
        if self.validation is not None or self.data.is_dir():
            files.append(task.file(self.validation or self.data, "dev"))
        loaded = [task.read(path, skip) for path in files]
        questions = [one.examples for one in loaded]
        if len(files) == 1:
            fraction, seed = settings.table.validation_fraction, settings.split_seed
            questions = list(_split(questions[0], fraction, seed, files[0]))
        preset = task.fitted_preset(len(questions[0]))
        longest = min(preset.max_length, config.max_position_embeddings)
        third = max(1, (settings.course.max_length or longest) // 3)
        remarks = [one.remark for one in loaded if one.remark]
        if task.kind == "answerable_span" and not any(q.impossible for q in questions[1]):
            remarks.append(
                "no validation question is without an answer: the threshold means little"
            )
        return TaskData(
            kind=task.kind,
            training=questions[0],
            validation=questions[1],
            fields={
                "dataset": task.name,
                "doc_stride": chosen.doc_stride or min(DOC_STRIDE, third),
                "max_query_length": chosen.max_query_length or min(MAX_QUERY_LENGTH, third),
                "max_answer_length": chosen.max_answer_length,
                "n_best": chosen.n_best,
                **({"threshold_rule": chosen.threshold} if task.kind == "answerable_span" else {}),
            },
            files=files,
            max_length=longest,
            preset=preset,
            remarks=remarks,
        )


@dataclass(frozen=True)
class NamedSquad:
    """A version of SQuAD on the command line."""

    task: SquadTask

    @property
    def name(self) -> str:
        """The task's name."""
        return self.task.name

    def source(self, data: Path, validation: Path | None = None) -> SquadSource:
        """What to fine-tune on."""
        return SquadSource(self.task, data, validation)

    def evaluate(
        self, predictor: Predictor, data: Path, split: str | None, skip_bad: bool
    ) -> dict[str, Evaluation]:
        """The scores on a file, or on the development set of a folder."""
        self._check(predictor)
        path = self.task.file(data, split or "dev")
        loaded = self.task.read(path, skip_bad, kind=predictor.task.kind)
        remarks = [loaded.remark] if loaded.remark else []
        return {path.name: evaluate(predictor, loaded.examples, remarks)}

    def submit(
        self, predictor: Predictor, data: Path, output: Path, split: str | None, skip_bad: bool
    ) -> list[str]:
        """Write the answers to the questions of a file, with known answers or without.

        A .json file holds the answers by id, as the official scripts read them; a folder that, the
        n-best and the null odds; .csv and .jsonl a row a question.
        """
        self._check(predictor)
        suffix = output.suffix.lower()
        path = self.task.file(data, split or "dev")
        refuse_overwriting(output, path)
        loaded = self.task.read(path, skip_bad, labelled=False)
        if suffix in (".csv", ".jsonl"):
            predict_file(predictor, _as_rows(data, loaded.examples), output)
        elif suffix in (".json", ""):
            _write_official(predictor, loaded.examples, output)
        else:
            raise DataError(
                f"{output}: name a .json, .jsonl or .csv file, or a folder, for the answers"
            )
        return [loaded.remark] if loaded.remark else []

    def _check(self, predictor: Predictor) -> None:
        """Raise ConfigError unless the model answers questions."""
        kinds = [task.kind for task in SQUAD]
        if predictor.task.kind not in kinds:
            raise ConfigError(
                f"the model's kind of task is {predictor.task.kind}: it answers no questions"
            )


def _write_official(predictor: Predictor, questions: Sequence[SquadQuestion], output: Path) -> None:
    results, task = list(predictor.results(questions)), predictor.task
    assert isinstance(task, QuestionTask)
    answered = official_answers(results, task)
    if output.suffix:
        write_json(output, answered)
    else:
        answers = {result.example.id: result.value for result in results}
        write_answers(output, answers, answered)


def _as_rows(data: Path, questions: Sequence[SquadQuestion]) -> Rows:
    """Questions as a table, whose row numbers are theirs."""

    def read() -> Sequence[Row]:
        return [
            Row(number, {"id": one.id, "question": one.question, "context": one.context})
            for number, one in enumerate(questions, start=1)
        ]

    table = Table(str(data), ("id", "question", "context"), lambda: iter(read()), "question")
    return Rows(table, {"question": "question", "context": "context"})


def _split(
    questions: Sequence[SquadQuestion], fraction: float, seed: int, path: Path
) -> tuple[list[SquadQuestion], list[SquadQuestion]]:
    """Training and validation questions, whole articles each; of one article whole contexts.

    Raises DataError where there is a single context.
    """
    names = [question.title for question in questions]
    if len(set(names)) < 2:
        names = [question.context for question in questions]
    if len(set(names)) < 2:
        raise DataError(
            f"{path} has a single context, none of which can be held back: "
            "give questions to validate on (--validation)"
        )
    return hold_back(questions, names, fraction, seed)
