"""Corpora cut into other pieces for other epochs: the same text, whoever builds it."""

import random
import shutil
from pathlib import Path

import pytest

from damage import damage_shard
from litebert.corpus.build import build_corpus
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.shards import Corpus
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.errors import ConfigError, CorpusError
from litebert.foundation.randomness import Position
from litebert.text.subwords import SubwordSettings
from litebert.text.tokenizer import WordPieceTokenizer
from wordpieces import small_wordpieces

THREE = SubwordSettings(sampled_epochs=3)
JOB = 20_000  # characters


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def sampled(text_file, tokenizer, limits, tmp_path_factory) -> Corpus:
    folder = tmp_path_factory.mktemp("sampled") / "corpus"
    build_corpus([text_file], tokenizer, folder, limits=limits, job_characters=JOB, subwords=THREE)
    return Corpus.open(folder)


@pytest.mark.parametrize(("workers", "characters"), [(2, JOB), (1, 777)])
def test_the_bytes_depend_on_neither_workers_nor_jobs(
    sampled, text_file, tokenizer, limits, tmp_path, workers, characters
):
    folder = tmp_path / "corpus"
    build_corpus(
        [text_file],
        tokenizer,
        folder,
        workers=workers,
        limits=limits,
        job_characters=characters,
        subwords=THREE,
    )
    assert contents(folder) == contents(sampled.folder)


def test_every_epoch_has_the_same_sentences_in_other_pieces(sampled, corpus, tokenizer):
    assert sampled.tokens == corpus.tokens
    assert len(sampled.samples) == 3
    for sample in sampled.samples:
        assert (sample.documents, sample.sentences) == (corpus.documents, corpus.sentences)
        assert sample.tokens > 1.03 * corpus.tokens  # unlikely pieces are short ones
        assert sample.document_offsets.tolist() == corpus.document_offsets.tolist()
        assert sample.source(3) == corpus.source(3)
    for document in range(0, sampled.documents, 7):
        best = tokenizer.decode(corpus.sentence(document, 0).tolist())
        drawn = [sample.sentence(document, 0).tolist() for sample in sampled.samples]
        assert {tokenizer.decode(ids).replace(" ", "") for ids in drawn} == {best.replace(" ", "")}
    texts = {sample.ids(0, 200).tobytes() for sample in sampled.samples}
    assert len(texts) == 3


def test_another_seed_draws_other_pieces(sampled, text_file, tokenizer, tmp_path):
    other = SubwordSettings(sampled_epochs=1, sampling_seed=1)
    build_corpus([text_file], tokenizer, tmp_path / "corpus", subwords=other)
    drawn = Corpus.open(tmp_path / "corpus").samples[0]
    assert drawn.ids(0, 200).tolist() != sampled.samples[0].ids(0, 200).tolist()


def test_epochs_take_the_tokenisations_by_turns_and_evaluations_the_likeliest(sampled, corpus):
    settings = InstanceSettings(max_length=32)
    spans = whole_documents(sampled)
    stream = InstanceStream(sampled, spans, settings, seed=1)
    for epoch in range(5):
        alone = InstanceStream(sampled.samples[epoch % 3], spans, settings, 1, stream.pieces)
        assert stream.epoch_size(epoch) == alone.epoch_size(epoch)
        for index in (0, 5, stream.epoch_size(epoch) - 1):
            ours, theirs = stream.instance(epoch, index), alone.instance(epoch, index)
            assert ours.ids.tolist() == theirs.ids.tolist()
    plain = InstanceStream(corpus, spans, settings, seed=1)
    for instances in (
        stream.unsampled(),
        InstanceStream(sampled, spans, settings, 1, sampled=False),
    ):
        taken, _ = instances.take(Position(), 5)
        expected, _ = plain.take(Position(), 5)
        assert [i.ids.tolist() for i in taken] == [i.ids.tolist() for i in expected]
    assert plain.unsampled() is plain


def test_verify_finds_damage_in_every_tokenisation(sampled, tmp_path):
    sampled.verify()
    copy = tmp_path / "copy"
    shutil.copytree(sampled.folder, copy)
    named = damage_shard(copy / "epoch-001", "flip", random.Random(0))
    with pytest.raises(CorpusError, match="|".join(named)):
        Corpus.open(copy).verify()
    shutil.rmtree(copy / "epoch-001")
    shutil.copytree(sampled.folder / "epoch-002", copy / "epoch-001")
    with pytest.raises(CorpusError, match=r"epoch-001 is of another corpus"):
        assert Corpus.open(copy).samples
    shutil.rmtree(copy / "epoch-001")
    with pytest.raises(CorpusError, match=r"epoch-001 does not exist"):
        assert Corpus.open(copy).samples


def test_a_vocabulary_with_one_way_to_cut_a_text_is_refused(text_file, tmp_path):
    tokenizer = WordPieceTokenizer(small_wordpieces())
    with pytest.raises(ConfigError, match=r"sampled_epochs: .* SentencePiece unigram"):
        build_corpus([text_file], tokenizer, tmp_path / "corpus", subwords=THREE)
    assert list(tmp_path.iterdir()) == []
