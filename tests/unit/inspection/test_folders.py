import json
import shutil
from pathlib import Path

import pytest
import torch

from litebert.corpus.build import build_corpus
from litebert.foundation.errors import CheckpointError, CorpusError, DataError
from litebert.inspection.folders import inspect_folder
from litebert.training.checkpoint import Snapshot, TrainingState, write_checkpoint
from litebert.training.journal import Journal
from litebert.training.run_folder import RunRecord, begin_run
from small_models import save_small_model, sentences, small_tokenizer


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    weights = {"weight": torch.ones(4, 3), "bias": torch.ones(4)}
    snapshot = Snapshot(weights, {"weight/momentum": torch.ones(4, 3)})
    state = TrainingState(step=7, tokens=1234, seconds=61.0, best=0.5, best_step=5)
    return write_checkpoint(tmp_path / "checkpoints", snapshot, state)


def test_a_run_is_shown_with_its_last_scores_and_its_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    start = {"folder": "models/small", "sha256": "0"}
    begin_run(run, RunRecord("pretrain", {}, {"total_steps": 40, "start": start}))
    facts = inspect_folder(run).facts
    assert (facts["steps"], facts["checkpoints"]) == ("0 of 40", "none")
    journal = Journal(run)
    journal.record("evaluation", 10, {"masked_lm_loss": 3.0})
    journal.record("train", 20, {"loss": 2.5, "tokens": 4000, "seconds": 75.0})
    journal.record("evaluation", 20, {"masked_lm_loss": 2.0, "accuracy": None})
    (run / "checkpoints" / "step-00000020").mkdir(parents=True)
    save_small_model(run / "model")
    found = inspect_folder(run)
    assert found.kind == "run folder"
    assert found.facts["steps"] == "20 of 40"
    assert found.facts["tokens"] == "4,000"
    assert found.facts["time"] == "1 min 15 s"
    assert found.facts["scores at step"] == "20"
    assert found.facts["  masked lm loss"] == "2.0000"
    assert "  accuracy" not in found.facts
    assert found.facts["started from"] == "models/small"
    assert found.facts["checkpoints"] == "at steps 20"
    assert found.facts["model folder"] == str(run / "model")
    assert found.facts["model"] == "ALBERT, 1 depth of width 32"


def test_a_corpus_points_to_its_own_command(tmp_path: Path) -> None:
    text = "\n\n".join("\n".join(line for line, _ in sentences(5, seed)) for seed in range(4))
    (tmp_path / "text.txt").write_text(text)
    build_corpus([tmp_path / "text.txt"], small_tokenizer(), tmp_path / "corpus", workers=1)
    found = inspect_folder(tmp_path / "corpus")
    assert found.kind == "corpus folder"
    assert (found.facts["documents"], found.facts["sentences"]) == ("4", "20")
    assert found.facts["vocabulary"] == "SentencePiece, 60 pieces"
    assert found.hints[0].startswith(f"litebert corpus inspect {tmp_path / 'corpus'} ")
    (tmp_path / "corpus" / "corpus.json").write_text("{}")
    with pytest.raises(CorpusError, match="does not describe"):
        inspect_folder(tmp_path / "corpus")


def test_a_checkpoint_says_its_step_and_whether_it_is_whole(checkpoint: Path) -> None:
    found = inspect_folder(checkpoint)
    assert found.kind == "checkpoint"
    assert found.facts["step"] == "7"
    assert found.facts["best so far"] == "0.5000 at step 5"
    assert found.facts["parameters"].startswith("16, ")
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="cut short or altered"):
        inspect_folder(checkpoint)


def test_googles_checkpoints_name_the_command_that_imports_them(
    golden: Path, tmp_path: Path
) -> None:
    folder = golden / "model_shared"
    for path in (folder, folder / "model.ckpt-best", folder / "model.ckpt-best.index"):
        found = inspect_folder(path)
        assert found.kind == "TensorFlow checkpoint"
        assert found.facts["variables"] == "32"
        assert found.facts["configuration"] == "albert_config.json"
        assert found.hints == [f"litebert import google {path} OUT imports it"]
    (tmp_path / "albert_base.tar.gz").write_bytes(b"anything")
    found = inspect_folder(tmp_path / "albert_base.tar.gz")
    assert found.kind == "archive"
    assert "import google" in found.hints[0]


def test_several_configurations_beside_a_checkpoint_are_no_error(
    golden: Path, tmp_path: Path
) -> None:
    shutil.copytree(golden / "model_shared", tmp_path / "model")
    for name in ("a.model", "b.model"):
        (tmp_path / "model" / name).touch()
    assert "several vocabularies" in inspect_folder(tmp_path / "model").facts["vocabulary"]


def test_models_vocabularies_and_single_files_are_known(albert: Path, tmp_path: Path) -> None:
    assert inspect_folder(albert).kind == "model folder"
    assert inspect_folder(albert / "spiece.model").kind == "vocabulary"
    found = inspect_folder(albert / "model.safetensors")
    assert found.kind == "safetensors file"
    assert found.hints == [f"litebert inspect {albert} says more"]
    small_tokenizer().save(tmp_path)
    assert inspect_folder(tmp_path).kind == "vocabulary"


def test_what_nobody_knows_is_one_clear_error(albert: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        inspect_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds nothing that litebert knows"):
        inspect_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(DataError, match=r"notes\.txt is no file that litebert knows"):
        inspect_folder(tmp_path / "notes.txt")
    shutil.copytree(albert, tmp_path / "mine")
    with pytest.raises(DataError, match=f"but these do: {tmp_path / 'mine'}"):
        inspect_folder(tmp_path)


def test_an_altered_record_of_a_run_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"command": "pretrain"}))
    with pytest.raises(DataError, match="is not the record of a run"):
        inspect_folder(tmp_path)
