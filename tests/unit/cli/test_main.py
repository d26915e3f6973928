"""The command line as a whole: one line for a mistake, an exit code for a signal."""

import os
import signal
import subprocess
import sys

import pytest

from litebert.cli import params
from litebert.cli.main import main, run
from litebert.foundation.files import atomic_file


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["pretrain", "--output", "run"], "CORPUS is not given: see litebert pretrain --help"),
        (["vocab", "train", "a.txt"], "--output is not given: see litebert vocab train --help"),
        (["params", "a", "b"], 'unexpected argument "b": see litebert params --help'),
        (["params", "albert-large"], 'did you mean "albert-large-v1" or "albert-large-v2"?'),
        (["pretrain", "corpus", "--outptu", "run"], 'Did you mean "--output"'),
        (["pretrain", "corpus", "--output"], "--output requires an argument"),
        (["predikt"], 'Did you mean "predict"?'),
    ],
)
def test_a_mistake_gets_one_line_that_helps(arguments, line, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert line.replace('"', "") in said.replace('"', "")
    assert said.startswith("litebert: ")
    assert said.count("\n") == 1


def test_sigterm_unwinds_so_that_nothing_half_written_is_left(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit, match="0"):
            run(["--version"])
        with pytest.raises(SystemExit, match="143"), atomic_file(tmp_path / "predictions.csv"):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_says_so(monkeypatch, capsys):
    def impatient():
        raise KeyboardInterrupt

    monkeypatch.setattr(params, "_table_1", impatient)
    assert main(["params"]) == 130
    assert capsys.readouterr().err == "litebert: interrupted\n"


def test_an_interruption_while_loading_gets_its_line_too():
    code = """
import sys
from litebert.__main__ import run

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "cyclopts":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
run()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "litebert: interrupted\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["params"], ["--version"]])
def test_output_into_a_full_disk_is_said_in_one_line(arguments):
    command = [sys.executable, "-m", "litebert", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("litebert: No space left on device")
    assert done.stderr.count("\n") == 1
