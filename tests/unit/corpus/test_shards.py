import json
import random
import shutil

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damage import KINDS, damage_shard
from litebert.corpus.shards import Corpus
from litebert.foundation.errors import CorpusError

DAMAGES = 60


@pytest.fixture
def copy(corpus, tmp_path):
    return shutil.copytree(corpus.folder, tmp_path / "copy")


def read_all(folder):
    """Read a corpus as training does, each batch when it is first needed."""
    corpus = Corpus.open(folder)
    for document in range(corpus.documents):
        for sentence in range(len(corpus.sentence_lengths(document))):
            corpus.sentence(document, sentence)


def test_sentences_come_back_as_they_were_tokenised(corpus, pages, tokenizer):
    assert len(corpus.shards) > 2
    assert sum(len(shard.batches) for shard in corpus.shards) > 2 * len(corpus.shards)
    assert corpus.documents == len(pages)
    assert corpus.tokenizer() == tokenizer
    for document in (0, 1, corpus.documents - 1):
        sentences = range(len(corpus.sentence_lengths(document)))
        ids = [i for s in sentences for i in corpus.sentence(document, s).tolist()]
        whole = "".join(" ".join(pages[document]).split()).lower()
        assert "".join(tokenizer.decode(ids).split()) == whole
        lengths = [len(corpus.sentence(document, s)) for s in sentences]
        assert lengths == corpus.sentence_lengths(document).tolist()
    assert corpus.sentence_offsets[-1] == corpus.tokens
    assert corpus.document_offsets[-1] == corpus.sentences


def test_ids_are_views_of_the_file(corpus):
    first, again = corpus.sentence(2, 0), corpus.sentence(2, 0)
    assert np.shares_memory(first, again)
    assert first.dtype == np.uint16
    assert not first.flags.writeable


def test_sources_are_kept(corpus):
    assert corpus.source(0) == "pages.txt:1"
    numbers = [int(corpus.source(d).split(":")[1]) for d in range(corpus.documents)]
    assert numbers == sorted(numbers)
    with pytest.raises(IndexError):
        corpus.source(corpus.documents)
    with pytest.raises(IndexError):
        corpus.sentence(0, 10_000)


def test_any_arrow_reader_reads_a_shard(corpus):
    table = pa.ipc.open_file(corpus.shards[0].path).read_all()
    assert table.schema.names == ["sentences", "source"]
    assert table["sentences"][0].as_py()[0] == corpus.sentence(0, 0).tolist()


def test_verify_passes_a_whole_corpus(corpus):
    Corpus.open(corpus.folder).verify()


@pytest.mark.parametrize("check", [read_all, lambda folder: Corpus.open(folder).verify()])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_in_a_shard_is_found_before_use_and_named(corpus, copy, check, kind):
    draws = random.Random(kind)
    for _ in range(DAMAGES // 8):
        named = damage_shard(copy, kind, draws)
        with pytest.raises(CorpusError) as caught:
            check(copy)
        assert any(each in str(caught.value) for each in named)
        for each in named:
            shutil.copy(corpus.folder / each, copy / each)
    check(copy)


def test_damage_inside_a_batch_names_the_batch_and_spares_the_others(corpus, copy):
    batches = corpus.shards[0].batches
    path = copy / corpus.shards[0].path.name
    damaged = bytearray(path.read_bytes())
    damaged[(batches[0]["end"] + batches[1]["end"]) // 2] ^= 1
    path.write_bytes(damaged)
    opened = Corpus.open(copy)
    opened.sentence(0, 0)
    with pytest.raises(CorpusError, match=r"shard-00000\.arrow, batch 1: the bytes"):
        opened.sentence(batches[0]["documents"], 0)
    opened.sentence(batches[0]["documents"] + batches[1]["documents"], 0)


@pytest.mark.parametrize("name", ["sentences.npy", "documents.npy"])
def test_damage_in_the_index_is_found_on_opening(copy, name):
    damaged = bytearray((copy / name).read_bytes())
    damaged[-3] ^= 4
    (copy / name).write_bytes(damaged)
    with pytest.raises(CorpusError, match=f"{name} is damaged"):
        Corpus.open(copy)
    (copy / name).unlink()
    with pytest.raises(CorpusError, match=f"{name} is missing"):
        Corpus.open(copy)


def test_an_altered_tokenizer_is_found(copy):
    config = copy / "tokenizer" / "tokenizer_config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(CorpusError, match=r"tokenizer_config\.json is missing or altered"):
        Corpus.open(copy).tokenizer()


def test_a_missing_shard_is_named(copy):
    (copy / "shard-00001.arrow").unlink()
    with pytest.raises(CorpusError, match=r"shard-00001\.arrow is missing"):
        Corpus.open(copy).verify()


@settings(max_examples=DAMAGES, deadline=None)
@given(st.data())
def test_any_change_of_the_description_is_found(corpus, tmp_path_factory, data):
    whole = (corpus.folder / "corpus.json").read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.mktemp("described")
    for path in corpus.folder.glob("*.npy"):
        shutil.copy(path, folder / path.name)
    (folder / "corpus.json").write_bytes(damaged)
    try:
        changed = json.loads(damaged) != json.loads(whole)
    except ValueError:
        changed = True
    if changed:
        with pytest.raises(CorpusError, match=r"corpus\.json"):
            Corpus.open(folder)
    else:  # white space
        Corpus.open(folder)


def test_what_is_not_a_corpus_folder_is_refused(tmp_path, copy):
    with pytest.raises(CorpusError, match="does not exist"):
        Corpus.open(tmp_path / "no")
    with pytest.raises(CorpusError, match="is not a corpus folder"):
        Corpus.open(tmp_path)
    with pytest.raises(CorpusError, match="is a file"):
        Corpus.open(copy / "corpus.json")
    description = json.loads((copy / "corpus.json").read_text())
    (copy / "corpus.json").write_text(json.dumps({**description, "format": 99}))
    with pytest.raises(CorpusError, match="has corpus format 99, this version reads 1"):
        Corpus.open(copy)
    (copy / "corpus.json").write_text("[]")
    with pytest.raises(CorpusError, match="does not describe a corpus"):
        Corpus.open(copy)
