import errno
import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from litebert.corpus import writer
from litebert.corpus.build import build_corpus
from litebert.corpus.documents import ReaderSettings
from litebert.corpus.jobs import JobEncoder, make_jobs
from litebert.corpus.shards import Corpus
from litebert.corpus.writer import id_type
from litebert.foundation.errors import ConfigError, CorpusError, DataError, StorageError
from litebert.text.tokenizer import WordPieceTokenizer
from wordpieces import small_wordpieces

JOB = 20_000  # characters


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("workers", [2, 3])
def test_the_bytes_do_not_depend_on_the_number_of_workers(
    corpus, text_file, tokenizer, limits, tmp_path, workers
):
    folder = tmp_path / "corpus"
    build_corpus([text_file], tokenizer, folder, workers=workers, limits=limits, job_characters=JOB)
    assert contents(folder) == contents(corpus.folder)


def test_a_wordpiece_corpus_has_its_ids_and_its_tokenizer(text_file, limits, tmp_path):
    tokenizer = WordPieceTokenizer(small_wordpieces())
    folder = tmp_path / "corpus"
    build_corpus([text_file], tokenizer, folder, limits=limits, job_characters=JOB)
    corpus = Corpus.open(folder)
    corpus.verify()
    assert corpus.tokenizer() == tokenizer
    job = next(make_jobs([text_file], ReaderSettings(), JOB))
    worker = pickle.loads(pickle.dumps(JobEncoder(tokenizer, "en")))
    assert worker(job).tokenisations[0].ids[:500].tolist() == corpus.ids(0, 500).tolist()


def test_where_jobs_are_cut_does_not_show_in_the_corpus(
    corpus, text_file, tokenizer, limits, tmp_path
):
    build_corpus([text_file], tokenizer, tmp_path / "corpus", limits=limits, job_characters=777)
    assert contents(tmp_path / "corpus") == contents(corpus.folder)


def test_jobs_hold_every_line_once_and_long_documents_are_shared_out(text_file, pages):
    jobs = list(make_jobs([text_file], ReaderSettings(), 5_000))
    assert max(job.characters for job in jobs[:-1]) < 10_000
    parts = [part for job in jobs for part in job.parts]
    assert [line for part in parts for line in part.lines] == [
        line for page in pages for line in page if line
    ]
    assert sum(part.last for part in parts) == len(pages)
    assert len(parts) > len(pages)
    read = [job.read for job in jobs]
    assert read == sorted(read)
    assert read[-1] == text_file.stat().st_size


def test_sentences_and_documents_without_tokens_are_left_out_and_counted(tokenizer, tmp_path):
    nothing = "\u0301"  # a lone combining mark is normalised away
    (tmp_path / "a.txt").write_text(f"One.\n{nothing}\nTwo.\n\n{nothing}\n\nThree.", "utf-8")
    summary = build_corpus([tmp_path / "a.txt"], tokenizer, tmp_path / "corpus")
    assert summary.counts.documents == 2
    assert summary.counts.empty_documents == 1
    assert summary.counts.sentences == 3
    corpus = Corpus.open(tmp_path / "corpus")
    assert tokenizer.decode(corpus.sentence(1, 0).tolist()) == "three."
    assert corpus.description["counts"]["empty_documents"] == 1


def test_ids_take_four_bytes_where_the_vocabulary_needs_them(tokenizer, tmp_path, text_file):
    assert id_type(65_535) is np.uint16
    assert id_type(65_536) is np.uint32
    wide = pickle.loads(pickle.dumps(tokenizer))
    wide.vocab_size = 70_000
    build_corpus([text_file], wide, tmp_path / "wide")
    assert Corpus.open(tmp_path / "wide").sentence(0, 0).dtype == np.uint32


@pytest.mark.parametrize("workers", [1, 2])
def test_bad_input_leaves_nothing_behind(text_file, tokenizer, tmp_path, workers):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(text_file.read_bytes() + b"\nb\xe4d")
    with pytest.raises(DataError, match="is not UTF-8"):
        build_corpus([bad], tokenizer, tmp_path / "corpus", workers=workers, job_characters=JOB)
    assert list(tmp_path.iterdir()) == [bad]


def test_what_cannot_be_done_is_said_before_any_work(text_file, tokenizer, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(StorageError, match="is not empty"):
        build_corpus([text_file], tokenizer, tmp_path / "taken")
    with pytest.raises(ConfigError, match="workers must be at least 1"):
        build_corpus([text_file], tokenizer, tmp_path / "new", workers=0)
    with pytest.raises(ConfigError, match="not a language code"):
        build_corpus([text_file], tokenizer, tmp_path / "new", ReaderSettings(language="English!"))
    (tmp_path / "marks.txt").write_text("\u0301", "utf-8")
    with pytest.raises(CorpusError, match="no text that gives a token"):
        build_corpus([tmp_path / "marks.txt"], tokenizer, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_corpus_is_replaced_only_when_asked_and_only_by_a_whole_one(
    text_file, tokenizer, tmp_path
):
    folder = tmp_path / "corpus"
    (tmp_path / "a.txt").write_text("One. Two.")
    build_corpus([tmp_path / "a.txt"], tokenizer, folder)
    before = contents(folder)
    with pytest.raises(DataError):
        build_corpus([tmp_path / "no.txt"], tokenizer, folder, replace=True)
    assert contents(folder) == before
    build_corpus([text_file], tokenizer, folder, replace=True)
    assert Corpus.open(folder).documents > 2


def test_any_text_can_be_built_from(tokenizer, tmp_path):
    texts = ["lone \ud800 surrogate.", "nul \0 byte.", "separator\u2028inside. Two.", "x" * 9000]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    summary = build_corpus([tmp_path / "a.jsonl"], tokenizer, tmp_path / "corpus")
    assert summary.counts.documents == 4
    Corpus.open(tmp_path / "corpus").verify()


def test_a_full_disk_is_said_and_leaves_nothing(text_file, tokenizer, tmp_path, monkeypatch):
    def refuse(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer._HashingFile, "write", refuse)
    with pytest.raises(StorageError, match=r"no space left on the disk while writing .*corpus"):
        build_corpus([text_file], tokenizer, tmp_path / "corpus")
    assert list(tmp_path.iterdir()) == []


BUILD = """
import sys
from litebert.corpus import writer
from litebert.corpus.build import build_corpus
from litebert.text.tokenizer import Tokenizer
if __name__ == "__main__":
    text, vocabulary, folder = sys.argv[1:]
    build_corpus([text], Tokenizer.load(vocabulary), folder, workers=2, job_characters=100_000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_corpus_and_no_process(corpus, text_file, tmp_path, number):
    long = tmp_path / "long.txt"
    long.write_bytes(text_file.read_bytes() * 100)
    (tmp_path / "script.py").write_text(BUILD)
    arguments = [long, corpus.folder / "tokenizer", tmp_path / "out" / "corpus"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    while not list((tmp_path / "out").glob(".corpus*.tmp/*.npy")):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.02)
    process.send_signal(number)
    process.communicate(timeout=60)  # returns once no process has the pipes any more
    assert process.returncode == (143 if number == signal.SIGTERM else -number)
    assert not (tmp_path / "out" / "corpus").exists()
    if number != signal.SIGKILL:
        assert list((tmp_path / "out").iterdir()) == []
