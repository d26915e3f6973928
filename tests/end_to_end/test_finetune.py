"""Fine-tuning from a model folder and a table to predictions, with a very small model."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from litebert import load_predictor
from litebert.foundation.errors import (
    CheckpointError,
    DataError,
    LitebertError,
    ModelFolderError,
    ResumeError,
    StorageError,
    VocabularyError,
)
from litebert.foundation.files import sha256_file
from litebert.tasks.finetuning.run import FinetuneOutcome, finetune
from litebert.tasks.prediction.evaluation import evaluate_file
from litebert.tasks.texts.source import UserTable
from litebert.training.journal import read_metrics
from small_models import labelled_csv, quick_settings, save_small_model, sentences, write_csv

SHORT = {"course": {"epochs": 2}, "training": {"keep": 100, "evaluate_every": 3}}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    return labelled_csv(tmp_path_factory.mktemp("tables") / "train.csv", 60)


@pytest.fixture(scope="module")
def learnt(base: Path, tmp_path_factory) -> FinetuneOutcome:
    """A run that had time to learn its task."""
    folder = tmp_path_factory.mktemp("learnt")
    train = labelled_csv(folder / "train.csv", 240)
    settings = quick_settings(course={"epochs": 8, "patience": 5})
    return finetune(base, UserTable(train), folder / "run", settings)


@pytest.fixture(scope="module")
def short(base: Path, table: Path, tmp_path_factory) -> FinetuneOutcome:
    """A run of two epochs that keeps all its checkpoints."""
    return finetune(
        base, UserTable(table), tmp_path_factory.mktemp("short") / "run", quick_settings(**SHORT)
    )


def weights(run: Path) -> str:
    return sha256_file(run / "model" / "model.safetensors")


def test_it_learns_and_leaves_a_whole_run_folder(learnt: FinetuneOutcome, tmp_path: Path):
    assert sorted(path.name for path in learnt.folder.iterdir()) == [
        *("checkpoints", "environment.json", "log.txt", "metrics.json", "metrics.jsonl"),
        *("model", "report.html", "run.json"),
    ]
    assert {path.name for path in (learnt.folder / "model").iterdir()} >= {
        *("config.json", "model.safetensors", "spiece.model", "tokenizer.json"),
        *("tokenizer_config.json", "task.json", "README.md"),
    }
    predictor = load_predictor(learnt.folder)
    evaluation = evaluate_file(predictor, labelled_csv(tmp_path / "test.csv", 100, seed=5))
    assert evaluation.scores.accuracy >= 0.9
    prediction = predictor.predict(["the old house and a lovely garden"])[0]
    assert prediction.label == "good"


def test_the_model_is_the_best_checkpoint(learnt: FinetuneOutcome):
    assert learnt.evaluation is not None
    lines = read_metrics(learnt.folder / "metrics.jsonl", "evaluation")
    best = max(lines, key=lambda line: line["score"])
    assert learnt.result.state.best_step == best["step"]
    assert learnt.evaluation.scores.accuracy == best["accuracy"]
    metrics = json.loads((learnt.folder / "metrics.json").read_text())
    assert metrics["best_step"] == best["step"]
    assert metrics["loss"] == pytest.approx(best["loss"], abs=1e-5)


def test_among_few_validation_rows_the_last_checkpoint_is_kept(short: FinetuneOutcome):
    assert short.record.resolved["rows"]["validation"] < 50
    assert short.result.state.best_step == short.result.state.step
    metrics = json.loads((short.folder / "metrics.json").read_text())
    assert metrics["best_step"] == short.result.state.step
    said = (short.folder / "log.txt").read_text()
    assert "6 rows are too few to choose a checkpoint by: the last one is kept" in said


def test_transformers_loads_the_folder_and_gives_the_same_logits(learnt: FinetuneOutcome):
    transformers = pytest.importorskip("transformers")
    folder = learnt.folder / "model"
    model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    model.eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    predictor = load_predictor(folder)
    texts = [text for text, _ in sentences(20, seed=9)]
    for text, prediction in zip(texts, predictor.predict(texts), strict=True):
        inputs = tokenizer(text, return_tensors="pt")
        assert inputs["input_ids"][0].tolist() == predictor.tokenizer.pair(text).ids
        with torch.inference_mode():
            expected = model(**inputs).logits.softmax(-1)[0].tolist()
        found = [prediction.probabilities[model.config.id2label[i]] for i in range(2)]
        assert found == pytest.approx(expected, abs=1e-5)


def test_the_same_seed_gives_the_same_bytes(
    short: FinetuneOutcome, base: Path, table: Path, tmp_path: Path
):
    again = finetune(base, UserTable(table), tmp_path / "again", quick_settings(**SHORT))
    assert weights(again.folder) == weights(short.folder)
    settings = quick_settings(**{**SHORT, "training": {**SHORT["training"], "seed": 2}})
    other = finetune(base, UserTable(table), tmp_path / "other", settings)
    assert weights(other.folder) != weights(short.folder)


@pytest.mark.parametrize("step", [3, 12])
def test_resumed_equals_uninterrupted(
    short: FinetuneOutcome, base: Path, table: Path, tmp_path: Path, step: int
):
    run = killed_after(short.folder, step, tmp_path / "run")
    resumed = finetune(base, UserTable(table), run, quick_settings(**SHORT), resume=True)
    assert resumed.result.state.step == short.result.state.step
    assert weights(run) == weights(short.folder)
    last = Path("checkpoints") / f"step-{short.result.state.step:08d}" / "optimizer.safetensors"
    assert sha256_file(run / last) == sha256_file(short.folder / last)
    timeless = [
        [
            {k: v for k, v in line.items() if "second" not in k}
            for line in read_metrics(folder / "metrics.jsonl")
        ]
        for folder in (run, short.folder)
    ]
    assert timeless[0] == timeless[1]


def test_a_run_killed_before_its_first_checkpoint_starts_again(
    short: FinetuneOutcome, base: Path, table: Path, tmp_path: Path
):
    run = killed_after(short.folder, 0, tmp_path / "run")
    finetune(base, UserTable(table), run, quick_settings(**SHORT), resume=True)
    assert weights(run) == weights(short.folder)


def killed_after(whole: Path, step: int, run: Path) -> Path:
    """A copy of a run folder as a kill soon after the checkpoint of `step` would leave it."""
    shutil.copytree(whole, run)
    for name in ("model", "metrics.json", "report.html"):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (run / "checkpoints").iterdir():
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)
    return run


def test_a_resumed_run_must_keep_its_settings_and_inputs(
    short: FinetuneOutcome, base: Path, table: Path, tmp_path: Path
):
    run = killed_after(short.folder, 6, tmp_path / "run")
    changed = quick_settings(**SHORT, schedule={"learning_rate": 1e-3})
    with pytest.raises(ResumeError, match=r"schedule\.learning_rate: 0.003 → 0.001"):
        finetune(base, UserTable(table), run, changed, resume=True)
    other = labelled_csv(tmp_path / "train.csv", 60, seed=1)
    with pytest.raises(ResumeError, match=r"inputs\.files: \['train\.csv "):
        finetune(base, UserTable(other), run, quick_settings(**SHORT), resume=True)
    more_logs = quick_settings(**{**SHORT, "training": {**SHORT["training"], "log_every": 1}})
    assert finetune(base, UserTable(table), run, more_logs, resume=True).evaluation is not None
    with pytest.raises(ResumeError, match="holds no run to resume"):
        finetune(base, UserTable(table), tmp_path / "none", quick_settings(), resume=True)


def test_a_checkpoint_cut_short_is_passed_over_or_named(
    short: FinetuneOutcome, base: Path, table: Path, tmp_path: Path
):
    run = killed_after(short.folder, 6, tmp_path / "run")
    newest, older = (run / "checkpoints" / f"step-0000000{step}" for step in (6, 3))
    file = newest / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    finetune(base, UserTable(table), run, quick_settings(**SHORT), resume=True)
    assert weights(run) == weights(short.folder)
    run = killed_after(short.folder, 3, tmp_path / "second")
    file = run / "checkpoints" / older.name / "optimizer.safetensors"
    file.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"optimizer\.safetensors is cut short"):
        finetune(base, UserTable(table), run, quick_settings(**SHORT), resume=True)


def test_patience_ends_a_run_that_does_not_improve(base: Path, tmp_path: Path):
    rows = [("the house", "ab"[i % 2]) for i in range(40)]  # nothing to learn
    train = write_csv(tmp_path / "train.csv", ("text", "label"), rows)
    settings = quick_settings(
        course={"epochs": 50, "patience": 2}, schedule={"learning_rate": 1e-2}
    )
    outcome = finetune(base, UserTable(train), tmp_path / "run", settings)
    assert outcome.result.state.step < outcome.record.resolved["total_steps"]
    assert (
        "stopped early: no better score in 2 evaluations"
        in (tmp_path / "run" / "log.txt").read_text()
    )


def test_pairs_a_given_validation_file_and_cut_texts(base: Path, tmp_path: Path):
    rows = [
        (text, "and " * (40 if i < 3 else 1), label)
        for i, (text, label) in enumerate(sentences(40))
    ]
    columns = ("question", "answer", "verdict")
    train = write_csv(tmp_path / "train.csv", columns, rows)
    validation = write_csv(tmp_path / "validation.csv", columns, rows[10:20])
    settings = quick_settings(
        table={"text": "question", "pair": "answer", "label": "verdict"}, course={"epochs": 1}
    )
    outcome = finetune(base, UserTable(train, validation), tmp_path / "run", settings)
    assert outcome.record.resolved["rows"] == {"training": 40, "validation": 10}
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "training: 3 of 40 texts were cut to 32 tokens" in log
    task = load_predictor(tmp_path / "run").task
    assert (task.text_column, task.pair_column, task.label_column) == columns


def test_accumulation_and_low_precision_change_rounding_alone(
    base: Path, table: Path, tmp_path: Path
):
    settings = {"course": {"epochs": 2, "classifier_dropout": 0.0, "encoder_dropout": 0.0}}
    parts = {**settings, "training": {"micro_batch_size": 3}}
    low = {**settings, "machine": {"precision": "bf16"}}
    whole, accumulated, short = (
        finetune(base, UserTable(table), tmp_path / str(i), quick_settings(**sections))
        for i, sections in enumerate((settings, parts, low))
    )
    losses = [run.result.metrics["loss"] for run in (whole, accumulated, short)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    assert losses[2] == pytest.approx(losses[0], abs=0.03)
    assert short.record.resolved["machine"]["precision"] == "bf16"


def test_from_scratch_starts_from_other_weights(base: Path, table: Path, tmp_path: Path):
    settings = quick_settings(course={"epochs": 1, "from_scratch": True})
    scratch = finetune(base, UserTable(table), tmp_path / "scratch", settings)
    loaded = finetune(
        base, UserTable(table), tmp_path / "loaded", quick_settings(course={"epochs": 1})
    )
    assert scratch.record.resolved["start"] is None
    assert weights(scratch.folder) != weights(loaded.folder)
    assert "random weights" in (scratch.folder / "model" / "README.md").read_text()


def test_dropout_is_stored_with_the_model(base: Path, table: Path, tmp_path: Path):
    dropouts = {"classifier_dropout": 0.3, "encoder_dropout": 0.2}
    finetune(
        base, UserTable(table), tmp_path / "run", quick_settings(course={"epochs": 1, **dropouts})
    )
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["classifier_dropout_prob"] == 0.3
    assert config["hidden_dropout_prob"] == config["attention_probs_dropout_prob"] == 0.2


def test_a_fine_tuned_model_can_be_fine_tuned_again(learnt: FinetuneOutcome, tmp_path: Path):
    rows = [(text, f"{label} {i // 2 % 2}") for i, (text, label) in enumerate(sentences(40))]
    train = write_csv(tmp_path / "train.csv", ("text", "label"), rows)
    outcome = finetune(
        learnt.folder, UserTable(train), tmp_path / "run", quick_settings(course={"epochs": 1})
    )
    assert len(outcome.task.labels) == 4


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", DataError, "is empty"),
        ("text,label\n", DataError, "no rows"),
        ("review,label\na,b\n", DataError, 'no column "text"; its columns are: review, label'),
        ("text,label\na,x\nb,x\n", DataError, "every row has the label"),
        ("text,label\na,x\nb\n", DataError, "line 3: 1 field where"),
        (b"text,label\ncaf\xe9,x\n", DataError, "not UTF-8: line 2, byte 14"),
    ],
)
def test_a_bad_table_is_refused_and_leaves_nothing(
    base: Path, tmp_path: Path, content: str | bytes, error: type[LitebertError], message: str
):
    train = tmp_path / "train.csv"
    train.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(error, match=message):
        finetune(base, UserTable(train), tmp_path / "run", quick_settings())
    assert not (tmp_path / "run").exists()


def test_validation_labels_unseen_in_training_are_refused(base: Path, table: Path, tmp_path: Path):
    rows = [("a day", "good"), ("a day", "awful")]
    validation = write_csv(tmp_path / "validation.csv", ("text", "label"), rows)
    with pytest.raises(DataError, match=r'"awful" \(line 3\); the model knows: bad, good'):
        finetune(base, UserTable(table, validation), tmp_path / "run", quick_settings())
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_model_or_not_vacant_is_refused(
    base: Path, table: Path, tmp_path: Path
):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFolderError, match="is not a model folder"):
        finetune(tmp_path / "empty", UserTable(table), tmp_path / "run", quick_settings())
    shutil.copytree(base, tmp_path / "mute")
    for name in ("spiece.model", "tokenizer.json"):
        (tmp_path / "mute" / name).unlink()
    with pytest.raises(VocabularyError, match=r"spiece\.model"):
        finetune(tmp_path / "mute", UserTable(table), tmp_path / "run", quick_settings())
    assert not (tmp_path / "run").exists()
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        finetune(base, UserTable(table), taken, quick_settings())
    assert [path.name for path in taken.iterdir()] == ["notes.txt"]
