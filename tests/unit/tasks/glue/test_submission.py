import zipfile

import pytest

from litebert.tasks.glue.data import GlueExample
from litebert.tasks.glue.submission import submission_file, write_submission
from litebert.tasks.glue.tasks import GLUE

ROWS = [GlueExample("a", "b", "", 2, "0"), GlueExample("c", "d", "", 3, "1")]


def test_labels_are_written_as_their_words():
    text = submission_file(GLUE["qnli"], ROWS, [1, 0])
    assert text == "index\tprediction\n0\tnot_entailment\n1\tentailment\n"
    assert submission_file(GLUE["mnli"], ROWS, [0, 2]).endswith("0\tcontradiction\n1\tneutral\n")
    assert submission_file(GLUE["cola"], ROWS, [1, 0]).endswith("0\t1\n1\t0\n")


def test_numbers_stay_within_their_range():
    assert submission_file(GLUE["sts-b"], ROWS, [5.3, 2.46]).endswith("0\t5.0000\n1\t2.4600\n")


def test_predictions_and_rows_must_be_as_many():
    with pytest.raises(ValueError, match="1 predictions for 2 rows"):
        submission_file(GLUE["cola"], ROWS, [1])


def test_the_zip_has_the_official_names_and_says_what_it_lacks(tmp_path):
    path = tmp_path / "submission.zip"
    files = {
        (name, split): submission_file(task, ROWS, [0, 1])
        for name, task in GLUE.items()
        for split in task.submission
    }
    assert write_submission(path, files) == []
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {
            *("CoLA.tsv", "SST-2.tsv", "MRPC.tsv", "STS-B.tsv", "QQP.tsv", "MNLI-m.tsv"),
            *("MNLI-mm.tsv", "QNLI.tsv", "RTE.tsv", "WNLI.tsv", "AX.tsv"),
        }
        assert archive.read("AX.tsv").decode() == files["ax", "test"]
    content = path.read_bytes()
    del files["ax", "test"], files["mnli", "test_mismatched"]
    assert write_submission(path, files) == ["MNLI-mm.tsv", "AX.tsv"]
    write_submission(path, {**files, ("ax", "test"): submission_file(GLUE["ax"], ROWS, [0, 1])})
    assert path.read_bytes() != content


def test_equal_predictions_give_equal_bytes(tmp_path):
    files = {("rte", "test"): submission_file(GLUE["rte"], ROWS, [0, 1])}
    write_submission(tmp_path / "a.zip", files)
    write_submission(tmp_path / "b.zip", files)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
