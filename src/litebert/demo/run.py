"""The newcomer's journey: from the text on this machine to predictions and a report."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

from litebert import __version__
from litebert.corpus.build import build_corpus
from litebert.corpus.shards import Corpus
from litebert.demo.baseline import BagOfWords, majority_class
from litebert.demo.deadline import Deadline
from litebert.demo.findings import (
    BAG_OF_WORDS,
    MAJORITY,
    PRETRAINED,
    SCRATCH,
    Findings,
    Method,
    NewLine,
    PretrainingCounts,
    TaskCounts,
    TextCounts,
)
from litebert.demo.page import write_demo_report
from litebert.demo.settings import (
    EPOCHS,
    REPORT_SECONDS,
    SLOWDOWN,
    VOCABULARY,
    DemoSettings,
    affordable_epochs,
    finetuning_settings,
    pretraining_seconds,
    pretraining_settings,
)
from litebert.demo.source import Module, gather
from litebert.demo.task import LabelledParagraph, LibraryTask, TaskSize, make_task, mask_names
from litebert.foundation.errors import StorageError
from litebert.foundation.files import atomic_file, atomic_folder, require_vacant, write_json
from litebert.foundation.processors import usable_cpus
from litebert.foundation.progress import console, duration
from litebert.pretraining.run import PretrainingOutcome, pretrain
from litebert.tasks.finetuning.run import finetune
from litebert.tasks.metrics import classification_scores
from litebert.tasks.prediction.evaluation import evaluate_file
from litebert.tasks.prediction.predictor import load_predictor
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.texts.classification_evaluation import ClassificationEvaluation
from litebert.tasks.texts.source import UserTable
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import train_vocabulary
from litebert.training.journal import METRICS, read_metrics

MARK = "demo.json"  # says that a folder is a demo's, and may be replaced by the next one
SUMMARY = "summary.json"
STEPS = 6
INVERSE_PENALTIES = (1.0, 10.0, 100.0)  # of the bag of words; the best on validation is taken

NEW_LINES = (
    "Finds the cheapest way from one vertex of a weighted graph to another.",
    "Draws a dashed horizontal line across the axes at the given height.",
    "Expands the product and collects the powers of each symbol in the expression.",
    "Adds the gradient of the loss with respect to each weight to its buffer on the device.",
    "Returns the indices that would sort the elements of an array along the last axis.",
    "Opens a file for reading and raises an error when the path does not exist.",
    "Removes the node and all edges that touch it.",
    "Sets the colour and the font size of the tick labels.",
)


@dataclass(frozen=True)
class DemoOutcome:
    """Where the demo ended: its folder, and what it found, or the signal that ended it early."""

    folder: Path
    findings: Findings | None
    signal: int | None = None


@dataclass(frozen=True)
class Pair:
    """One seed's two models on the test set, and the validation score of the pretrained one."""

    seed: int
    scratch: ClassificationEvaluation
    pretrained: ClassificationEvaluation
    validation_score: float


def run_demo(
    folder: Path,
    settings: DemoSettings | None = None,
    read: Callable[[], Sequence[Module]] | None = None,
    size: TaskSize | None = None,
) -> DemoOutcome:
    """Make the whole journey within the settings' time and leave everything in `folder`.

    `read` gives the documentation, by default that of this machine. The folder of an earlier demo
    is replaced; any other that is not empty raises StorageError.
    """
    folder, settings = Path(folder), settings or DemoSettings()
    clock = _Clock(settings.minutes)
    _begin(folder, settings)
    clock.announce("Reading the documentation that is on this machine")
    modules = gather(workers=usable_cpus()) if read is None else read()
    task = make_task(modules, size, settings.seed)
    _write_texts(folder, task)
    clock.announce("Training a vocabulary")
    texts = (text for module in task.pretraining for text in module.paragraphs)
    train_vocabulary(texts, folder / "vocabulary", VOCABULARY)
    clock.announce("Building the corpus")
    tokenizer = Tokenizer.load(folder / "vocabulary")
    documents = folder / "text" / "documentation.jsonl"
    build_corpus([documents], tokenizer, folder / "corpus", workers=usable_cpus())
    clock.announce("Pretraining")
    pretraining = _pretrain(folder, settings.seed, clock.left())
    if pretraining.result.signal is not None:
        return DemoOutcome(folder, None, pretraining.result.signal)
    clock.announce("Fine-tuning, with and without pretraining")
    try:
        pairs = _finetune_pairs(folder, settings, clock, len(task.train))
    except _Interrupted as interruption:
        return DemoOutcome(folder, None, interruption.signal)
    clock.announce("Comparing, predicting, reporting")
    best = max(pairs, key=lambda pair: pair.validation_score)
    _keep_model(folder, best.seed)
    findings = Findings(
        text=_text_counts(task.pretraining, Corpus.open(folder / "corpus")),
        pretraining=_pretraining_counts(pretraining, tokenizer.vocab_size),
        task=TaskCounts(task.labels, len(task.train), len(task.validation), len(task.test)),
        methods=(*_baselines(task), *_models(pairs)),
        new_lines=_predict_new_lines(folder),
        seconds=clock.spent(),
    )
    write_json(folder / SUMMARY, findings.as_dict())
    runs = {
        PRETRAINED: finetuning_folder(folder, best.seed, from_scratch=False),
        SCRATCH: finetuning_folder(folder, best.seed, from_scratch=True),
    }
    write_demo_report(folder, findings, best.pretrained, runs)
    return DemoOutcome(folder, findings)


class _Interrupted(Exception):
    """A fine-tuning run was ended by a signal."""

    def __init__(self, signal: int) -> None:
        self.signal = signal


class _Clock:
    """The demo's time, and where on the way it is."""

    def __init__(self, minutes: float) -> None:
        self._began = time.monotonic()
        self._seconds = minutes * 60
        self._step = 0

    def spent(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def left(self) -> float:
        """Seconds that the steps before the report may still take."""
        return self._seconds - REPORT_SECONDS - self.spent()

    def announce(self, title: str) -> None:
        """Print which step begins, and how long all that is to come may take."""
        self._step += 1
        left = duration(max(0.0, self._seconds - self.spent()))
        console().print(f"[{self._step}/{STEPS}] {title} ({left} left in all)", markup=False)


def _begin(folder: Path, settings: DemoSettings) -> None:
    """Clear the folder of an earlier demo and mark it as ours."""
    if (folder / MARK).is_file():
        shutil.rmtree(folder)
    try:
        require_vacant(folder)
    except StorageError:
        raise StorageError(
            f"{folder} is not empty and not the folder of an earlier demo: name another one"
        ) from None
    write_json(folder / MARK, {"litebert": __version__, **settings.model_dump()})


def _write_texts(folder: Path, task: LibraryTask) -> None:
    """The text to pretrain on, a module a line, and the labelled examples of each split."""
    with atomic_file(folder / "text" / "documentation.jsonl", "w") as file:
        for module in task.pretraining:
            if module.paragraphs:
                line = {"source": module.name, "text": "\n".join(module.paragraphs)}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    with atomic_folder(folder / "task") as place:
        _write_examples(place / "train.jsonl", task.train)
        _write_examples(place / "validation.jsonl", task.validation)
        _write_examples(place / "test.jsonl", task.test)


def _write_examples(path: Path, examples: Sequence[LabelledParagraph]) -> None:
    with atomic_file(path, "w") as file:
        for example in examples:
            file.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")


def _pretrain(folder: Path, seed: int, left: float) -> PretrainingOutcome:
    """Pretrain for a part of the seconds that are left; ending early for the time is no signal."""
    seconds, latest = pretraining_seconds(left)
    run = folder / "pretraining"
    with Deadline(latest, lambda: bool(read_metrics(run / METRICS, "evaluation"))) as deadline:
        outcome = pretrain(folder / "corpus", run, pretraining_settings(seconds / 60, seed))
    if not deadline.passed:
        return outcome
    made, planned = outcome.result.state.step, outcome.record.resolved["total_steps"]
    console().print(f"the time suffices for {made:,} of {planned:,} steps", markup=False)
    return replace(outcome, result=replace(outcome.result, signal=None))


def _finetune_pairs(folder: Path, settings: DemoSettings, clock: _Clock, rows: int) -> list[Pair]:
    """Fine-tune with and without pretraining, seed after seed, as long as the time suffices."""
    epochs = affordable_epochs(clock.left(), recent_step_seconds(folder / "pretraining"), rows)
    if epochs < EPOCHS:
        console().print(f"the time suffices for {epochs} of {EPOCHS} epochs")
    pairs: list[Pair] = []
    longest = 0.0
    for seed in range(1, settings.seeds + 1):
        if pairs and clock.left() < SLOWDOWN * longest:
            console().print(f"the time suffices for {len(pairs)} of {settings.seeds} seeds")
            break
        began = clock.spent()
        scratch, _ = _finetune(folder, finetuning_settings(True, seed, epochs))
        pretrained, score = _finetune(folder, finetuning_settings(False, seed, epochs))
        pairs.append(Pair(seed, scratch, pretrained, score))
        longest = max(longest, clock.spent() - began)
    return pairs


def _finetune(folder: Path, settings: FinetuneSettings) -> tuple[ClassificationEvaluation, float]:
    """Fine-tune one model; its evaluation on the test set and its best validation score."""
    place = finetuning_folder(folder, settings.training.seed, settings.course.from_scratch)
    task = folder / "task"
    source = UserTable(task / "train.jsonl", task / "validation.jsonl")
    outcome = finetune(folder / "pretraining", source, place, settings)
    if outcome.result.signal is not None:
        raise _Interrupted(outcome.result.signal)
    evaluation = evaluate_file(load_predictor(place), task / "test.jsonl")
    assert isinstance(evaluation, ClassificationEvaluation)
    return evaluation, outcome.result.state.best or 0.0


def recent_step_seconds(run: Path) -> float:
    """What a step took lately: the machine may be slower now than when the run began."""
    lines = read_metrics(run / METRICS, "train")
    before, last = lines[len(lines) * 4 // 5 - 1], lines[-1]
    if before is last:
        return float(last["seconds"]) / int(last["step"])
    return float(last["seconds"] - before["seconds"]) / int(last["step"] - before["step"])


def finetuning_folder(folder: Path, seed: int, from_scratch: bool) -> Path:
    """The run folder of one of the demo's fine-tuning runs."""
    return folder / "finetuning" / f"{'scratch' if from_scratch else 'pretrained'}-{seed}"


def _keep_model(folder: Path, seed: int) -> None:
    """Copy the model that did best on the validation rows to where users look for it."""
    with atomic_folder(folder / "model") as place:
        source = finetuning_folder(folder, seed, from_scratch=False) / "model"
        shutil.copytree(source, place, dirs_exist_ok=True)


def _baselines(task: LibraryTask) -> tuple[Method, Method]:
    texts = [example.text for example in task.train]
    labels = [example.library for example in task.train]
    commonest = majority_class(labels)
    candidates = [BagOfWords.fit(texts, labels, penalty) for penalty in INVERSE_PENALTIES]
    # It chooses by the validation paragraphs too, as the models choose their checkpoint.
    words = max(candidates, key=lambda model: _accuracy(model, task.validation))
    predicted = words.predict([example.text for example in task.test])
    return (
        _scored(MAJORITY, task, [commonest] * len(task.test)),
        _scored(BAG_OF_WORDS, task, predicted),
    )


def _accuracy(model: BagOfWords, examples: Sequence[LabelledParagraph]) -> float:
    predicted = model.predict([example.text for example in examples])
    return mean(a == b.library for a, b in zip(predicted, examples, strict=True))


def _scored(name: str, task: LibraryTask, predicted: Sequence[str]) -> Method:
    index = {label: i for i, label in enumerate(task.labels)}
    scores = classification_scores(
        [index[example.library] for example in task.test],
        [index[label] for label in predicted],
        task.labels,
    )
    return Method(name, (scores.accuracy,), (scores.macro_f1,))


def _models(pairs: Sequence[Pair]) -> tuple[Method, Method]:
    scratch = [pair.scratch.scores for pair in pairs]
    pretrained = [pair.pretrained.scores for pair in pairs]
    first, second = (
        Method(name, tuple(s.accuracy for s in scores), tuple(s.macro_f1 for s in scores))
        for name, scores in ((SCRATCH, scratch), (PRETRAINED, pretrained))
    )
    return first, second


def _text_counts(modules: Sequence[Module], corpus: Corpus) -> TextCounts:
    sizes: dict[str, list[int]] = {}
    for module in modules:
        size = sizes.setdefault(module.library, [0, 0])
        size[0] += 1
        size[1] += sum(map(len, module.paragraphs))
    libraries = [(name, count, characters) for name, (count, characters) in sizes.items()]
    return TextCounts(
        modules=corpus.documents,
        sentences=corpus.sentences,
        tokens=corpus.tokens,
        characters=sum(characters for _, _, characters in libraries),
        libraries=tuple(sorted(libraries, key=lambda item: (-item[2], item[0]))),
    )


def _pretraining_counts(outcome: PretrainingOutcome, vocab_size: int) -> PretrainingCounts:
    resolved, metrics, state = outcome.record.resolved, outcome.result.metrics, outcome.result.state
    return PretrainingCounts(
        parameters=resolved["parameters"],
        vocab_size=vocab_size,
        steps=state.step,
        tokens=state.tokens,
        seconds=state.seconds,
        unigram_loss=resolved["unigram_loss"],
        masked_lm_loss=metrics["masked_lm_loss"],
        masked_lm_accuracy=metrics["masked_lm_accuracy"],
        sentence_order_accuracy=metrics["sentence_order_accuracy"],
    )


def _predict_new_lines(folder: Path) -> tuple[NewLine, ...]:
    """Predictions for lines that are in no documentation, also written as predictions.jsonl."""
    predictions = load_predictor(folder).predict([mask_names(line) for line in NEW_LINES])
    lines = [NewLine(*pair) for pair in zip(NEW_LINES, predictions, strict=True)]
    with atomic_file(folder / "predictions.jsonl", "w") as file:
        for line in lines:
            row = {"text": line.text, **asdict(line.prediction)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return tuple(lines)
