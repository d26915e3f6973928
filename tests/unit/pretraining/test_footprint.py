"""The memory that is foretold is the memory that is taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from litebert.corpus.shards import Corpus
from litebert.encoder.models import PretrainingModel
from litebert.foundation.memory import peak_memory
from litebert.foundation.randomness import Position
from litebert.optim import OptimizerSettings
from litebert.pretraining.assembly import Data, open_data, resolve_config
from litebert.pretraining.footprint import Footprint, Tracer
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.trainable import Pretraining

CPU = torch.device("cpu")
SHAPE = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
SETTINGS = PretrainingSettings.parse(
    {"model": SHAPE, "data": {"max_length": 64}, "evaluation": {"heldout": 0.2}}
)
# A run whose activations outweigh the libraries, in a few seconds.
RUN = """
import json, sys
from pathlib import Path
from litebert.corpus.shards import Corpus
from litebert.foundation.memory import peak_memory
from litebert.pretraining.assembly import open_data, resolve_config
from litebert.pretraining.plan import MemoryEstimate
from litebert.pretraining.run import pretrain
from litebert.pretraining.settings import PretrainingSettings

corpus, folder, given = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
settings = PretrainingSettings.parse(given)
opened = Corpus.open(corpus)
config, data = resolve_config(opened, settings), open_data(opened, settings)
estimate = MemoryEstimate(config, data, settings, settings.machine)
foretold = estimate.memory(settings.training.batch_size).footprint
pretrain(corpus, folder, settings)
print(json.dumps([foretold.total, foretold.process, peak_memory()]))
"""


@pytest.fixture(scope="module")
def data(small_corpus: Path) -> Data:
    return open_data(Corpus.open(small_corpus), SETTINGS)


def traced(
    small_corpus: Path, data: Data, instances: int, recompute: bool = False, **changes: object
) -> Footprint:
    config = resolve_config(Corpus.open(small_corpus), SETTINGS).changed(**changes)
    taken, _ = data.stream.take(Position(), instances)
    optimizer = OptimizerSettings(optimizer="torch-adamw")
    tracer = Tracer(config, torch.float32, CPU, recompute)
    return tracer.footprint(taken, data.heldout[:2], optimizer, 0)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_what_is_kept_for_the_backward_pass_is_what_autograd_keeps(
    small_corpus: Path, data: Data, dropout: float
) -> None:
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    footprint = traced(small_corpus, data, 8, **rates)
    model = PretrainingModel(resolve_config(Corpus.open(small_corpus), SETTINGS).changed(**rates))
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    trainable = Pretraining(model, data.stream, [], 8, 8, CPU)
    (batch,), _ = trainable.batch(Position())
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        terms = trainable.losses(batch)
    assert terms["masked_lm"].total > 0
    assert footprint.activations == pytest.approx(sum(kept.values()), rel=0.15)


def test_activations_grow_with_the_micro_batch_and_the_rest_does_not(
    small_corpus: Path, data: Data
) -> None:
    few, many = (traced(small_corpus, data, count) for count in (8, 32))
    assert many.activations == pytest.approx(4 * few.activations, rel=0.1)
    assert many.logits == pytest.approx(4 * few.logits, rel=0.1)
    assert (many.weights, many.moments) == (few.weights, few.moments)
    assert few.moments == 2 * few.weights == 2 * few.gradients
    assert few.total == sum(vars(few).values())


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_recomputed_layers_keep_their_input_alone(
    small_corpus: Path, data: Data, dropout: float
) -> None:
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    few, many = (
        traced(small_corpus, data, 8, recompute=True, num_hidden_layers=depth, **rates)
        for depth in (3, 12)
    )
    kept = traced(small_corpus, data, 8, num_hidden_layers=12, **rates)
    assert many.activations < kept.activations / 5
    assert many.total - few.total < (kept.total - few.total) / 5


def test_what_is_not_shared_has_more_weights_and_equal_activations(
    small_corpus: Path, data: Data
) -> None:
    shared, apart = (traced(small_corpus, data, 8, sharing=kind) for kind in ("all", "none"))
    assert apart.weights > 1.5 * shared.weights
    assert apart.activations == pytest.approx(shared.activations, rel=0.15)


@pytest.mark.skipif(peak_memory() is None, reason="the system does not say what a process takes")
def test_a_runs_peak_is_within_a_quarter_of_what_was_foretold(
    small_corpus: Path, tmp_path: Path
) -> None:
    settings = {
        "model": {"hidden_size": 128, "num_hidden_layers": 6},
        "data": {"max_length": 128},
        "budget": {"steps": 3},
        "training": {"batch_size": 64},
        "evaluation": {"heldout": 0.2, "evaluation_instances": 32},
        "machine": {"device": "cpu", "precision": "fp32", "threads": 1},
    }
    command = [sys.executable, "-c", RUN, str(small_corpus), str(tmp_path / "run")]
    done = subprocess.run(
        [*command, json.dumps(settings)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    foretold, process, measured = json.loads(done.stdout.splitlines()[-1])
    assert foretold == pytest.approx(measured, rel=0.25)
    assert foretold - process == pytest.approx(measured - process, rel=0.4)
    assert measured > 1.5 * process  # or the libraries alone would make the test pass
