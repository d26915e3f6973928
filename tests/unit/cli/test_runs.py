"""litebert runs on the command line."""

from pathlib import Path

import pytest

from litebert.cli.main import main
from litebert.training.run_folder import RunRecord, begin_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has only begun."""
    begin_run(tmp_path / "a-run-with-a-rather-long-name", RunRecord("finetune", {}, {}))
    return tmp_path / "a-run-with-a-rather-long-name"


def test_runs_are_listed_whole_and_a_page_is_written_if_asked(run, tmp_path, capsys) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "a-run-with-a-rather-long-name" in out
    assert main(["runs", str(run), "--output", str(tmp_path / "page.html")]) == 0
    assert "1 run of litebert finetune" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], "none is no folder: name run folders"),
        (["."], "holds no run (run.json)"),
        ([], "name at least one run folder"),
        ([".", "--over", "epochs"], 'Invalid value "epochs" for --over'),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(
    arguments, words, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["runs", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
