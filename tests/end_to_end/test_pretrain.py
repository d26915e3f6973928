"""From raw text to a pretrained model by the command line, interrupted and resumed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from litebert.cli.main import main
from litebert.foundation.files import sha256_file
from litebert.foundation.randomness import generator
from litebert.training.checkpoint import list_checkpoints
from litebert.training.journal import read_metrics
from litebert.weights.folder import load_pretraining_model

NAMES = ["Anna", "Bruno", "Clara", "David", "Emma", "Felix"]
THINGS = ["the apple", "the river", "the window", "the garden", "the letter", "the candle"]
DEEDS = ["saw", "painted", "forgot", "remembered", "carried", "wanted"]
TINY = [
    *("--hidden-size", "32", "--num-hidden-layers", "2", "--num-attention-heads", "2"),
    *("--max-length", "32", "--batch-size", "8", "--learning-rate", "3e-3", "--threads", "1"),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder of 60 small stories."""
    folder = tmp_path_factory.mktemp("text")
    stories = []
    for number in range(60):
        draws = generator(0, "story", number)
        name = str(draws.choice(NAMES))
        lines = [
            f"{name} {draws.choice(DEEDS)} {draws.choice(THINGS)}. "
            f"Then {name} {draws.choice(DEEDS)} {draws.choice(THINGS)} again."
            for _ in range(draws.integers(3, 9))
        ]
        stories.append("\n".join(lines))
    (folder / "stories.txt").write_text("\n\n".join(stories))
    text = str(folder / "stories.txt")
    vocabulary, built = str(folder / "vocabulary"), str(folder / "corpus")
    assert (
        main(["vocab", "train", text, "--output", vocabulary, "--vocab-size", "90", "--fit"]) == 0
    )
    built_well = main(["corpus", "build", text, "--vocabulary", vocabulary, "--output", built])
    assert built_well == 0
    return folder / "corpus"


def run(corpus: Path, folder: Path, *extra: str) -> int:
    return main(["pretrain", str(corpus), "--output", str(folder), *TINY, *extra])


def final_bytes(folder: Path) -> list[str]:
    newest = list_checkpoints(folder / "checkpoints")[-1]
    files = [newest / "model.safetensors", newest / "optimizer.safetensors"]
    return [sha256_file(file) for file in [*files, folder / "model" / "model.safetensors"]]


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return next(line for line in error.splitlines() if line.startswith("litebert: "))


def test_a_model_learns_and_its_folder_is_whole(corpus: Path, tmp_path: Path) -> None:
    settings = ["--steps", "150", "--evaluate-every", "50", "--heldout", "0.2"]
    assert run(corpus, tmp_path / "run", *settings) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    held_out = read_metrics(tmp_path / "run" / "metrics.jsonl", "evaluation")
    assert [line["step"] for line in held_out] == [50, 100, 150]
    assert held_out[-1]["masked_lm_loss"] < record["resolved"]["unigram_loss"] - 0.4
    model = load_pretraining_model(tmp_path / "run")
    assert sum(p.numel() for p in model.parameters()) == record["resolved"]["parameters"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "left the plateau" in page
    assert {"environment.json", "log.txt", "checkpoints"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_terminated_and_resumed_run_ends_with_the_same_bytes(
    corpus: Path, tmp_path: Path, precision: str
) -> None:
    settings = ["--precision", precision, "--steps", "24", "--evaluate-every", "6"]
    settings += ["--hidden-dropout-prob", "0.1", "--attention-probs-dropout-prob", "0.1"]
    assert run(corpus, tmp_path / "whole", *settings) == 0
    command = [sys.executable, "-m", "litebert", "pretrain", str(corpus), *TINY, *settings]
    command += ["--output", str(tmp_path / "parts")]
    said = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            said.append(line)
            if line.startswith("step 6:"):
                process.terminate()
        assert process.wait() == 143, "".join(said)
    stopped = list_checkpoints(tmp_path / "parts" / "checkpoints")[-1]
    assert stopped.name < "step-00000024"
    assert (tmp_path / "parts" / "model" / "config.json").exists()
    assert run(corpus, tmp_path / "parts", *settings, "--resume") == 0
    assert final_bytes(tmp_path / "parts") == final_bytes(tmp_path / "whole")


def test_accumulation_makes_the_same_updates(corpus: Path, tmp_path: Path) -> None:
    losses = []
    for name, extra in (("one", []), ("parts", ["--micro-batch-size", "3"])):
        assert run(corpus, tmp_path / name, "--steps", "6", "--precision", "fp32", *extra) == 0
        lines = read_metrics(tmp_path / name / "metrics.jsonl", "train")
        losses.append([line["masked_lm_loss"] for line in lines])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_resume_keeps_its_settings_and_may_change_how_it_saves(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert run(corpus, folder, "--steps", "4") == 0
    capsys.readouterr()
    again = ["pretrain", str(corpus), "--output", str(folder), "--resume"]
    assert main([*again, "--batch-size", "9"]) == 2
    assert "training.batch_size: 8 → 9" in refused(capsys)
    assert main([*again, "--keep", "3"]) == 0
    assert main(["pretrain", str(corpus), "--output", str(tmp_path / "no"), "--resume"]) == 2
    assert "holds no run to resume" in refused(capsys)


def test_what_does_not_fit_is_refused_before_anything_is_written(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("keep me")
    recipe = tmp_path / "bad.toml"
    recipe.write_text("[training]\nbatch_sise = 3\n")
    folder = tmp_path / "run"
    cases = [
        ([str(corpus), "--output", str(taken), "--steps", "3"], "not empty"),
        ([str(corpus), "--output", str(folder)], "say how long to train"),
        ([str(corpus), "--output", str(folder), "--steps", "3", "--minutes", "1"], "choose one"),
        ([str(tmp_path / "none"), "--output", str(folder), "--steps", "3"], "does not exist"),
        ([str(tmp_path), "--output", str(folder), "--steps", "3"], "not a corpus folder"),
        ([str(corpus), "--output", str(folder), "--preset", "albert-bas-v2"], "albert-base-v2"),
        ([str(corpus), "--output", str(folder), "--settings", str(recipe)], '"batch_size"'),
        ([str(corpus), "--output", str(folder), "--steps", "3", "--max-length", "600"], "512"),
        ([str(corpus), "--output", str(folder), "--step", "3"], "--steps"),
        ([str(corpus), "--output", str(folder), "--steps", "0"], "steps: "),
        ([str(corpus), "--output", str(folder), "--steps", "5", "--warmup", "9"], "warm-up"),
    ]
    for arguments, words in cases:
        capsys.readouterr()
        assert main(["pretrain", *arguments]) == 2, arguments
        assert words in refused(capsys), arguments
    assert not folder.exists()
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]
