"""Ids against the original's tokenizer under Python 3, over 3,736 texts in 12 languages."""

import gzip
import json

import pytest

from litebert.text.normalise import Normalisation
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer


@pytest.fixture(scope="module")
def tokenizer(shared):
    return Tokenizer.load(shared / "data/spm/30k-clean.model")


@pytest.fixture(scope="module")
def rows(shared):
    with gzip.open(shared / "oracle/tokens/tokens.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_every_text_gets_the_ids_of_the_original(tokenizer, rows):
    assert len(rows) == 3736
    different = [row["text"] for row in rows if tokenizer.encode(row["text"]) != row["ids"]]
    assert different == []


def test_a_batch_gets_the_ids_of_the_original(tokenizer, rows):
    batch = tokenizer.encode_batch([row["text"] for row in rows])
    assert batch == [row["ids"] for row in rows]


def test_offsets_come_with_the_ids_of_the_original(tokenizer, rows):
    for row in rows[::5]:
        assert tokenizer.encode_with_offsets(row["text"]).ids == row["ids"]


def test_the_ids_that_transformers_expects_hold(tokenizer, shared):
    path = shared / "oracle/tokens/hf_albert_expected.json"
    with_accents = SentencePieceTokenizer(tokenizer.model, Normalisation(keep_accents=True))
    for row in json.loads(path.read_text("utf-8"))["tokenizer"]:
        match row:
            case {"ids": ids}:
                assert tokenizer.pair(row["text"]).ids == ids
            case {"ids_no_special": ids}:
                assert tokenizer.encode(row["text"]) == ids
            case {"ids_no_special_keep_accents": ids}:
                assert with_accents.encode(row["text"]) == ids
