"""Damaged shards are never trained on, and a corpus has the same bytes however it was built."""

import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from damage import KINDS, damage_shard
from litebert.corpus.build import build_corpus
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.shards import Corpus
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.corpus.writer import ShardLimits
from litebert.foundation.errors import CorpusError
from litebert.foundation.files import sha256_file
from litebert.foundation.randomness import Position
from litebert.text.tokenizer import Tokenizer
from processes import ended, start
from small_runs import run_pretraining

DAMAGES = 50  # in a case
LONG = 60  # times the stories: several jobs for the workers


def instances(folder: Path) -> Iterator[NDArray[np.int64]]:
    """The masked ids of an epoch, one instance after the other, as training reads them."""
    corpus = Corpus.open(folder)
    settings = InstanceSettings(max_length=32)
    stream = InstanceStream(corpus, whole_documents(corpus), settings, seed=1)
    for offset in range(stream.epoch_size(0)):
        yield stream.take(Position(0, offset), 1)[0][0].ids


@pytest.fixture(scope="module")
def sharded(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stories in several shards of several batches."""
    folder = tmp_path_factory.mktemp("sharded") / "corpus"
    text = stories.parent / "stories.txt"
    limits = ShardLimits(batch_tokens=600, shard_tokens=2400)
    build_corpus([text], Tokenizer.load(stories.parent / "vocabulary"), folder, limits=limits)
    return folder


@pytest.mark.cases(ci=4, nightly=400)
def test_r7_a_damaged_shard_is_found_before_it_is_used(
    sharded: Path, tmp_path: Path, case: int
) -> None:
    draws = random.Random(case)
    copy = shutil.copytree(sharded, tmp_path / "corpus")
    clean = list(instances(sharded))
    for _ in range(DAMAGES):
        named = damage_shard(copy, draws.choice(KINDS), draws)
        with pytest.raises(CorpusError) as caught:
            for ids, expected in zip(instances(copy), clean, strict=True):
                assert np.array_equal(ids, expected)
        assert any(name in str(caught.value) for name in named)
        for name in named:
            shutil.copy(sharded / name, copy / name)


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256_file(path) for path in files}


def build_command(text: Path, stories: Path, folder: Path, workers: int) -> list[str]:
    vocabulary = str(stories.parent / "vocabulary")
    command = ["corpus", "build", str(text), "--vocabulary", vocabulary, "--output", str(folder)]
    return [*command, "--workers", str(workers)]


@pytest.fixture(scope="module")
def long_text(stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stories many times over."""
    text = tmp_path_factory.mktemp("long") / "stories.txt"
    text.write_text("\n\n".join([(stories.parent / "stories.txt").read_text()] * LONG))
    return text


@pytest.fixture(scope="module")
def built(long_text: Path, stories: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus that one process builds of it."""
    folder = tmp_path_factory.mktemp("built") / "corpus"
    assert run_pretraining(*build_command(long_text, stories, folder, 1)) == 0
    return folder


@pytest.mark.cases(ci=10, nightly=200)
def test_r17_a_corpus_is_the_same_for_any_workers_and_after_a_kill(
    built: Path, long_text: Path, stories: Path, tmp_path: Path, case: int
) -> None:
    draws = random.Random(case)
    folder = tmp_path / "corpus"
    command = build_command(long_text, stories, folder, workers=(1, 2, 4)[case % 3])
    process = start(run_pretraining, *command, log=tmp_path / "log")
    process.join(draws.uniform(0, 6))
    if process.is_alive():
        os.kill(process.pid or 0, draws.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
    code = ended(process)
    assert code in (0, -signal.SIGKILL, 128 + signal.SIGTERM, 128 + signal.SIGINT)
    assert folder.exists() == (code == 0)
    if code != 0:
        again = start(run_pretraining, *command, log=tmp_path / "log")
        assert ended(again) == 0, (tmp_path / "log").read_text()
    assert contents(folder) == contents(built)
