"""The newcomer's journey on a little made-up documentation, within a quarter of a minute."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from litebert import load_predictor
from litebert.cli.main import main
from litebert.demo.findings import PRETRAINED, SCRATCH, verdict
from litebert.demo.run import DemoOutcome, run_demo
from litebert.demo.settings import DemoSettings
from litebert.demo.source import Module
from litebert.demo.task import TaskSize
from litebert.foundation.errors import StorageError

SIZE = TaskSize(labels=8, validation=4, test=16, fewest_words=5)
SETTINGS = DemoSettings(minutes=0.2, seeds=2)
NOUNS = {
    "torch": ["tensor", "gradient", "device", "layer", "optimizer"],
    "networkx": ["graph", "node", "edge", "path", "tree"],
    "matplotlib": ["axis", "figure", "legend", "colour", "marker"],
}
VERBS = ["returns", "copies", "checks", "draws", "finds", "sorts", "adds", "removes"]


def documentation() -> list[Module]:
    draw = np.random.default_rng(0)

    def sentence(library: str) -> str:
        first, second = draw.choice(NOUNS[library], 2)
        verb, again = draw.choice(VERBS, 2)
        number = draw.integers(1000)
        return f"It {verb} the {first} of {library} and {again} every {second} number {number}."

    return [
        Module(
            library,
            f"{library}.module{number}",
            tuple(f"{sentence(library)} {sentence(library)}" for _ in range(8)),
        )
        for library in NOUNS
        for number in range(30)
    ]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> DemoOutcome:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("demo") / "demo-run"
    return run_demo(folder, SETTINGS, documentation, SIZE)


def test_it_leaves_what_it_promises(demo: DemoOutcome):
    names = {path.name for path in demo.folder.iterdir()}
    assert names == {
        *("demo.json", "text", "task", "vocabulary", "corpus", "pretraining", "finetuning"),
        *("model", "predictions.jsonl", "summary.json", "report.html"),
    }
    assert demo.signal is None


def test_the_report_opens_with_the_verdict(demo: DemoOutcome):
    assert demo.findings is not None
    page = (demo.folder / "report.html").read_text("utf-8")
    summary = json.loads((demo.folder / "summary.json").read_text("utf-8"))
    assert summary["verdict"] == verdict(demo.findings)
    assert summary["verdict"] in page
    assert page.count("<svg") == 6
    assert "NaN" not in page


def test_both_starts_are_compared_on_the_same_seeds(demo: DemoOutcome):
    assert demo.findings is not None
    counts = {len(demo.findings.method(name).accuracies) for name in (SCRATCH, PRETRAINED)}
    assert counts in ({1}, {2})
    assert demo.findings.task.labels == ("matplotlib", "networkx", "torch")


def test_test_modules_are_kept_from_all_training(demo: DemoOutcome):
    def modules(path: Path, field: str) -> set[str]:
        return {json.loads(line)[field] for line in path.read_text("utf-8").splitlines()}

    tested = modules(demo.folder / "task" / "test.jsonl", "module")
    assert tested
    assert not tested & modules(demo.folder / "task" / "train.jsonl", "module")
    assert not tested & modules(demo.folder / "text" / "documentation.jsonl", "source")


def test_the_model_predicts_from_the_demos_folder(demo: DemoOutcome, capsys):
    prediction = load_predictor(demo.folder).predict(["It draws the edge and finds every node."])[0]
    assert prediction.label in NOUNS
    assert main(["predict", str(demo.folder), str(demo.folder / "predictions.jsonl")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(demo.findings.new_lines)


def test_an_earlier_demo_is_replaced_and_nothing_else(tmp_path: Path):
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    with pytest.raises(StorageError, match="not the folder of an earlier demo"):
        run_demo(other, SETTINGS, documentation, SIZE)
    assert (other / "chapter.txt").read_text() == "years of work"
