"""`recipe = "original"` against facts measured with the original's pipeline (oracle README)."""

import numpy as np
import pytest

from litebert.corpus.build import build_corpus
from litebert.corpus.documents import read_documents
from litebert.corpus.instances import Instance, InstanceSettings
from litebert.corpus.pairs import Kind
from litebert.corpus.shards import Corpus
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.text.tokenizer import Tokenizer

CHARACTERS = 2_560_000
CHOSEN = 15.03
FATES = [80.1, 9.9, 10.0]  # [MASK], another token, unchanged
RUNS = [46.9, 25.4, 17.2, 6.1, 2.5, 1.9]  # contiguous chosen tokens: 1 … 5, more
FULL, MEAN_LENGTH, SWAPPED = 75.0, 446.6, 47.1
POINT = 1.0
CHAPTER = 400  # sentences; how the measured text was cut into documents is not known


@pytest.fixture(scope="module")
def novels(shared, tmp_path_factory) -> Corpus:
    """2.56 MB of books, tokenised with the original's vocabulary."""
    folder = tmp_path_factory.mktemp("novels")
    tokenizer = Tokenizer.load(shared / "data" / "spm" / "30k-clean.model")
    size = 0
    with (folder / "novels.txt").open("w", encoding="utf-8") as file:
        for document in read_documents([shared / "data" / "books" / "books-00.jsonl.xz"]):
            text = "\n".join(document.lines)
            file.write(text + "\n\n")
            size += len(text)
            if size >= CHARACTERS:
                break
    build_corpus([folder / "novels.txt"], tokenizer, folder / "corpus")
    return Corpus.open(folder / "corpus")


@pytest.fixture(scope="module")
def instances(novels) -> list[Instance]:
    """One epoch as the original makes it, 512 tokens long, up to 77 of them predicted."""
    settings = InstanceSettings(max_length=512, max_predictions=77, recipe="original")
    stream = InstanceStream(novels, whole_documents(novels), settings, seed=12345)
    return [stream.instance(0, index) for index in range(stream.epoch_size(0))]


def test_the_share_of_chosen_tokens(instances):
    chosen = sum(len(instance.positions) for instance in instances)
    tokens = sum(len(instance.ids) for instance in instances)
    assert 100 * chosen / tokens == pytest.approx(CHOSEN, abs=POINT)


def test_what_chosen_tokens_become(instances, novels):
    now = np.concatenate([instance.ids[instance.positions] for instance in instances])
    labels = np.concatenate([instance.labels for instance in instances])
    masked = now == novels.tokenizer().mask_id
    same = (now == labels) & ~masked
    shares = [masked.mean(), (~masked & ~same).mean(), same.mean()]
    assert [100 * share for share in shares] == pytest.approx(FATES, abs=POINT)


def test_the_lengths_of_runs_of_chosen_tokens(instances):
    counts = np.zeros(7)
    for instance in instances:
        gaps = np.flatnonzero(np.diff(instance.positions) != 1)
        runs = np.diff([-1, *gaps.tolist(), len(instance.positions) - 1])
        np.add.at(counts, np.minimum(runs, 6), 1)
    assert 100 * counts[1:] / counts.sum() == pytest.approx(RUNS, abs=POINT)


def test_full_instances_and_mean_length_of_the_measured_run_are_among_ours(novels):
    """They hang on one target drawn for each document, so they vary widely from run to run."""
    counts = np.diff(novels.document_offsets).tolist()
    spans = [
        (document, first, min(first + CHAPTER, count))
        for document, count in enumerate(counts)
        for first in range(0, count, CHAPTER)
    ]
    settings = InstanceSettings(max_length=512, max_predictions=77, recipe="original")
    runs = []
    for seed in range(6):
        stream = InstanceStream(novels, spans, settings, seed)
        lengths = [len(stream.instance(0, i).ids) for i in range(0, stream.epoch_size(0), 3)]
        runs.append([100 * np.mean(np.array(lengths) == 512), np.mean(lengths)])
    assert (np.min(runs, axis=0) < [FULL, MEAN_LENGTH]).all()
    assert (np.max(runs, axis=0) > [FULL, MEAN_LENGTH]).all()


def test_a_coin_decides_on_the_order_of_pairs_within_a_document(novels):
    """Half of them, as in the measured run within three standard deviations of its size."""
    settings = InstanceSettings(max_length=512, recipe="original")
    stream = InstanceStream(novels, whole_documents(novels), settings, seed=1)
    kinds = np.concatenate([stream.plan(epoch).kind for epoch in range(4)])
    within = kinds[kinds != Kind.RANDOM]
    assert 100 * np.mean(within == Kind.SWAPPED) == pytest.approx(50, abs=3)
    deviation = 100 * 0.5 / np.sqrt(novels.tokens / MEAN_LENGTH)
    assert abs(SWAPPED - 50) < 3 * deviation
