"""A small vocabulary and small texts, made from what comes with Python."""

from pathlib import Path
from pydoc_data.topics import topics

import pytest

from litebert.corpus.build import build_corpus
from litebert.corpus.shards import Corpus
from litebert.corpus.writer import ShardLimits
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import VocabularySettings, train_vocabulary


@pytest.fixture(scope="session")
def limits() -> ShardLimits:
    """Limits that give a small corpus several shards of several batches."""
    return ShardLimits(batch_tokens=2_000, shard_tokens=10_000)


@pytest.fixture(scope="session")
def pages() -> list[list[str]]:
    """Pages of Python's documentation, each a list of paragraphs."""
    texts = [topics[name] for name in sorted(topics)][:40]
    return [[" ".join(block.split()) for block in text.split("\n\n")] for text in texts]


@pytest.fixture(scope="session")
def tokenizer(pages, tmp_path_factory) -> Tokenizer:
    """500 pieces, trained on the pages."""
    folder = tmp_path_factory.mktemp("vocabulary") / "small"
    lines = [line for page in pages for line in page]
    train_vocabulary(lines, folder, VocabularySettings(vocab_size=500, character_coverage=1.0))
    return Tokenizer.load(folder)


@pytest.fixture(scope="session")
def text_file(pages, tmp_path_factory) -> Path:
    """The pages as a .txt file: a paragraph a line, a blank line after each page."""
    path = tmp_path_factory.mktemp("text") / "pages.txt"
    path.write_text("\n\n".join("\n".join(filter(None, page)) for page in pages), "utf-8")
    return path


@pytest.fixture(scope="session")
def corpus(text_file, tokenizer, limits, tmp_path_factory) -> Corpus:
    """A corpus of the pages, in several shards of several batches."""
    folder = tmp_path_factory.mktemp("corpora") / "pages"
    build_corpus([text_file], tokenizer, folder, limits=limits, job_characters=20_000)
    return Corpus.open(folder)
