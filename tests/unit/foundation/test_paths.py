from pathlib import Path

from litebert.foundation.paths import short_names


def test_folders_are_called_by_their_names_or_by_what_tells_them_apart(tmp_path: Path) -> None:
    assert short_names([tmp_path / "a", tmp_path / "b"]) == ["a", "b"]
    paths = [tmp_path / "a" / "model", tmp_path / "b" / "c" / "model", tmp_path / "d"]
    assert short_names(paths) == ["a/model", "b/c/model", "d"]
