import numpy as np
import pytest

from litebert.corpus.instances import Instance, InstanceSettings
from litebert.corpus.overview import overview, readable, unmasked
from litebert.text.tokenizer import WordPieceTokenizer
from wordpieces import small_wordpieces


def test_figures_agree_with_the_corpus(corpus):
    seen = overview(corpus, InstanceSettings(max_length=64), sampled=50)
    assert (seen.documents, seen.sentences) == (corpus.documents, corpus.sentences)
    assert sum(part.sentences for part in seen.histogram) == corpus.sentences
    assert sum(part.share for part in seen.histogram) == pytest.approx(1)
    lengths = np.diff(corpus.sentence_offsets)
    assert seen.histogram[2].sentences == ((lengths >= 8) & (lengths <= 15)).sum()
    assert seen.masked_share == pytest.approx(0.15, abs=0.01)
    assert seen.unknown_share == 0
    assert seen.mean_length <= 64
    assert seen.sample.startswith("[CLS]")
    assert "{[MASK]→" in seen.sample


def test_an_instance_reads_as_text_that_shows_its_masks(tokenizer):
    ids = np.array([2, *tokenizer.encode("the value of a name"), 3])
    position = ids.tolist().index(tokenizer.encode("value")[0])
    label = int(ids[position])
    ids[position] = tokenizer.mask_id
    none = np.zeros(len(ids), dtype=np.int64)
    instance = Instance(ids, none, np.array([position]), np.array([label]), 0, 0.0)
    assert unmasked(instance)[position] == label
    word = tokenizer.pieces[label].removeprefix("▁")
    assert f"[CLS] the {{[MASK]→{word}}}" in readable(instance, tokenizer)


def test_an_instance_of_wordpiece_reads_as_text_too():
    tokenizer = WordPieceTokenizer(small_wordpieces())
    text = tokenizer.encode("敏捷的 namezzz")
    ids = np.array([tokenizer.cls_id, *text, tokenizer.sep_id])
    place = len(ids) - 2  # "##z"
    label = int(ids[place])
    ids[place] = tokenizer.mask_id
    none = np.zeros(len(ids), dtype=np.int64)
    instance = Instance(ids, none, np.array([place]), np.array([label]), 0, 0.0)
    assert readable(instance, tokenizer) == "[CLS] 敏 捷 的 namezz{[MASK]→z} [SEP]"
