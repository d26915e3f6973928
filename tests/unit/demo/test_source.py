import sys
from pathlib import Path

import pytest

from litebert.demo import source
from litebert.foundation.errors import DataError


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small packages that can be found, and an empty standard library."""
    one = tmp_path / "site" / "packone"
    (one / "inner").mkdir(parents=True)
    (one / "tests").mkdir()
    (one / "__init__.py").write_text('"""The first package of the two, for tests."""\n')
    (one / "inner" / "__init__.py").write_text("raise SystemExit('must not be imported')\n")
    (one / "inner" / "work.py").write_text(
        '"""How the work is done in this module."""\n'
        "class Worker:\n"
        '    """Does the work that is given to it."""\n'
        "    def again(self):\n"
        '        """The first package of the two, for tests."""\n'
    )
    (one / "tests" / "test_it.py").write_text('"""This text is in a test and is skipped."""\n')
    (one / "broken.py").write_text('"""This text is in a file that\n')
    (one / "binary.py").write_bytes(b'"""\xff\xfe"""')
    (one / "generated.py").write_text('"""This file is far too large for us."""\n' + "#" * 700_000)
    (tmp_path / "site" / "packtwo.py").write_text('"""The second package is one single file."""\n')
    topics = tmp_path / "stdlib" / "pydoc_data"
    topics.mkdir(parents=True)
    (topics / "topics.py").write_text(
        "topics = {'while': 'The while statement\\n***\\n\\nThe statement is for loops.\\n'}\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(source, "_standard_library", lambda: tmp_path / "stdlib")
    return tmp_path


def test_one_module_is_one_document_and_nothing_is_imported(packages):
    modules = source.gather(["packone", "packtwo", "not_installed_anywhere"])
    assert [(m.library, m.name) for m in modules] == [
        ("python", "topics.while"),
        ("packone", "packone"),
        ("packone", "packone.inner.work"),
        ("packtwo", "packtwo"),
    ]
    assert "packone" not in sys.modules


def test_a_paragraph_met_before_is_left_out(packages):
    work = next(m for m in source.gather(["packone"]) if m.name == "packone.inner.work")
    assert work.paragraphs == (
        "How the work is done in this module.",
        "Does the work that is given to it.",
    )


def test_workers_change_nothing(packages):
    assert source.gather(["packone"], workers=2) == source.gather(["packone"])


def test_an_installation_without_any_source_is_refused(packages):
    (packages / "stdlib" / "pydoc_data" / "topics.py").unlink()
    with pytest.raises(DataError, match="no documentation"):
        source.gather(["not_installed_anywhere"])


def test_docstrings_come_in_the_order_of_the_file():
    text = (
        '"""module"""\n'
        'def f():\n    """function"""\n'
        'class C:\n    """class"""\n    async def g(self):\n        """method"""\n'
        'add_docstr(f, """attached\ntext""".format(x=1))\n'
        'print("""printed\ntext""")\n'
    )
    assert source.docstrings(text) == ["module", "function", "class", "method", "attached\ntext"]


def test_what_cannot_be_parsed_has_no_docstrings():
    assert source.docstrings("def f(:") == []
    assert source.docstrings('x = "\\d"\n"""doc"""') == []


def test_the_standard_library_has_much_to_say():
    files = list(source._source_files("python", Path(source._standard_library())))
    names = {file.name for file in files}
    assert {"email.message", "asyncio", "json.decoder"} <= names
    assert not any("test" in name.split(".") or "site-packages" in name for name in names)
