"""The newcomer's journey: from the text on this machine to predictions and a report."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from litebert import __version__
from litebert.corpus.build import build_corpus
from litebert.corpus.shards import Corpus
from litebert.demo.baseline import BagOfWords, majority_class
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
    FINETUNING_SHARE,
    REPORT_SECONDS,
    VOCABULARY,
    DemoSettings,
    finetuning_settings,
    pretraining_settings,
)
from litebert.demo.source import Module, gather
from litebert.demo.task import LabelledParagraph, LibraryTask, TaskSize, make_task, mask_names
from litebert.foundation.errors import StorageError
from litebert.foundation.files import atomic_file, atomic_folder, require_vacant, write_json
from litebert.foundation.processors import usable_cpus
from litebert.foundation.progress import console, duration
from litebert.pretraining.run import PretrainingOutcome, pretrain
from litebert.tasks.evaluation import Evaluation, evaluate_file
from litebert.tasks.finetune import finetune
from litebert.tasks.metrics import classification_scores
from litebert.tasks.predictor import load_predictor
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import train_vocabulary

MARK = "demo.json"  # says that a folder is a demo's, and may be replaced by the next one
SUMMARY = "summary.json"
STEPS = 6
INVERSE_PENALTIES = (1.0, 10.0, 100.0)  # of the bag of words; the best on validation is taken
SHORTEST_PRETRAINING = 5.0  # seconds, even where the time is already up

NEW_LINES = (
    "Finds the cheapest way from one vertex of a weighted graph to another.",
    "Draws a dashed horizontal line across the axes at the given height.",
    "Expands the product and collects the powers of each symbol in the expression.",
    "Adds the gradient of the loss with respect to each weight to its buffer on the device.",
    "Raised when the value of a field does not pass the validator of its model.",
    "Resizes the picture and saves it as a file with the given quality.",
    "Downloads a file of the repository and returns its path in the local cache.",
    "Renders the template with the variables that are passed to it.",
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
    scratch: Evaluation
    pretrained: Evaluation
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
    minutes = max(clock.left() * (1 - FINETUNING_SHARE), SHORTEST_PRETRAINING) / 60
    pretraining = pretrain(
        folder / "corpus", folder / "pretraining", pretraining_settings(minutes, settings.seed)
    )
    if pretraining.result.signal is not None:
        return DemoOutcome(folder, None, pretraining.result.signal)
    clock.announce("Fine-tuning, with and without pretraining")
    try:
        pairs = _finetune_pairs(folder, settings, clock)
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


def _finetune_pairs(folder: Path, settings: DemoSettings, clock: _Clock) -> list[Pair]:
    """Fine-tune with and without pretraining, seed after seed, as long as the time suffices."""
    pairs: list[Pair] = []
    longest = 0.0
    for seed in range(1, settings.seeds + 1):
        if pairs and clock.left() < longest:
            console().print(f"the time suffices for {len(pairs)} of {settings.seeds} seeds")
            break
        began = clock.spent()
        scratch, _ = _finetune(folder, seed, from_scratch=True)
        pretrained, score = _finetune(folder, seed, from_scratch=False)
        pairs.append(Pair(seed, scratch, pretrained, score))
        longest = max(longest, clock.spent() - began)
    return pairs


def _finetune(folder: Path, seed: int, from_scratch: bool) -> tuple[Evaluation, float]:
    """Fine-tune one model; its evaluation on the test set and its best validation score."""
    place = finetuning_folder(folder, seed, from_scratch)
    task = folder / "task"
    outcome = finetune(
        folder / "pretraining",
        task / "train.jsonl",
        place,
        finetuning_settings(from_scratch, seed),
        task / "validation.jsonl",
    )
    if outcome.result.signal is not None:
        raise _Interrupted(outcome.result.signal)
    evaluation = evaluate_file(load_predictor(place), task / "test.jsonl")
    return evaluation, outcome.result.state.best or 0.0


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
