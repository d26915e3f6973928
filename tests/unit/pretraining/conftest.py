"""A small corpus of long documents, for runs and plans of runs."""

from pathlib import Path

import pytest

from litebert.corpus.build import build_corpus
from small_models import sentences, small_tokenizer


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 documents of 50 sentences of a few words, with 60 pieces."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = [text for text, _ in sentences(2000)]
    pages = ["\n".join(f"{text}." for text in texts[i : i + 50]) for i in range(0, 2000, 50)]
    (folder / "text.txt").write_text("\n\n".join(pages), "utf-8")
    build_corpus([folder / "text.txt"], small_tokenizer(), folder / "corpus")
    return folder / "corpus"
