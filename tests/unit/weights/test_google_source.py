"""A checkpoint's files, wherever they are."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from litebert.foundation.errors import ModelFolderError, VocabularyError
from litebert.weights.google_source import google_source

PARTS = (".index", ".data-00000-of-00001", ".meta")


def checkpoint(folder: Path, name: str = "model.ckpt-best") -> Path:
    """Empty files of a checkpoint; its prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        (folder / f"{name}{part}").touch()
    return folder / name


def name_latest(folder: Path, name: str) -> None:
    """What TensorFlow writes: the latest, and all of them."""
    lines = [f'model_checkpoint_path: "{name}"', 'all_model_checkpoint_paths: "model.ckpt-0"']
    (folder / "checkpoint").write_text("\n".join(lines))


def prefix_of(path: Path, place: Path) -> Path:
    with google_source(path, place / "out") as files:
        return files.prefix


def test_a_folder_a_prefix_and_a_file_of_it_are_one_checkpoint(tmp_path: Path) -> None:
    prefix = checkpoint(tmp_path / "a", "model.ckpt-125000")
    for path in (prefix.parent, prefix, *(prefix.with_name(prefix.name + p) for p in PARTS)):
        assert prefix_of(path, tmp_path) == prefix


@pytest.mark.parametrize("where", ["", "/mnt/job/7/", "C:/job/", "../"])
def test_of_several_the_one_that_the_file_checkpoint_names(where: str, tmp_path: Path) -> None:
    for step in (10, 20, 30):
        checkpoint(tmp_path / "a", f"model.ckpt-{step}")
    name_latest(tmp_path / "a", f"{where}model.ckpt-20")
    with google_source(tmp_path / "a", tmp_path / "out") as files:
        assert files.prefix == tmp_path / "a" / "model.ckpt-20"
        assert files.notes == ("model.ckpt-20 of 3, as the file checkpoint says",)
    assert prefix_of(tmp_path / "a" / "model.ckpt-10", tmp_path).name == "model.ckpt-10"


def test_several_that_nothing_names_are_listed(tmp_path: Path) -> None:
    for step in (10, 20):
        checkpoint(tmp_path / "a", f"model.ckpt-{step}")
    for latest in (None, "model.ckpt-30"):
        if latest is not None:
            name_latest(tmp_path / "a", latest)
        with pytest.raises(ModelFolderError, match=r"name one: .*ckpt-10, .*ckpt-20"):
            prefix_of(tmp_path / "a", tmp_path)


def test_the_only_one_is_taken_whatever_the_file_checkpoint_says(tmp_path: Path) -> None:
    prefix = checkpoint(tmp_path / "a")
    name_latest(tmp_path / "a", "model.ckpt-gone")
    with google_source(tmp_path / "a", tmp_path / "out") as files:
        assert files.prefix == prefix
        assert files.notes == ("the file checkpoint names model.ckpt-gone, which is not there",)
    (tmp_path / "a" / "checkpoint").write_bytes(b"\xff\xfe nonsense")
    assert prefix_of(tmp_path / "a", tmp_path) == prefix


def test_what_lies_beside_it_and_in_assets_is_found(tmp_path: Path) -> None:
    prefix = checkpoint(tmp_path / "a")
    with google_source(prefix, tmp_path / "out") as files:
        assert files.configuration() is None
        assert files.vocabulary() is None
        (tmp_path / "a" / "assets").mkdir()
        (tmp_path / "a" / "assets" / "vocab.txt").touch()
        (tmp_path / "a" / "assets" / "config_base.json").touch()
        assert files.configuration() == tmp_path / "a" / "assets" / "config_base.json"
        assert files.vocabulary() == tmp_path / "a" / "assets" / "vocab.txt"
        (tmp_path / "a" / "bert_config.json").touch()
        (tmp_path / "a" / "other_config.json").touch()
        (tmp_path / "a" / "30k-clean.model").touch()
        assert files.configuration() == tmp_path / "a" / "bert_config.json"
        assert files.vocabulary() == tmp_path / "a" / "30k-clean.model"


def test_a_hub_module_has_variables_and_assets(tmp_path: Path) -> None:
    prefix = checkpoint(tmp_path / "hub" / "variables", "variables")
    (tmp_path / "hub" / "assets").mkdir()
    (tmp_path / "hub" / "assets" / "albert_config.json").touch()
    (tmp_path / "hub" / "assets" / "30k-clean.model").touch()
    for path in (tmp_path / "hub", tmp_path / "hub" / "variables", prefix):
        with google_source(path, tmp_path / "out") as files:
            assert files.prefix == prefix
            assert files.configuration() == tmp_path / "hub" / "assets" / "albert_config.json"
            assert files.vocabulary() == tmp_path / "hub" / "assets" / "30k-clean.model"


def test_two_that_could_be_meant_are_both_named(tmp_path: Path) -> None:
    prefix = checkpoint(tmp_path / "a")
    for name in ("one_config.json", "two_config.json", "tokenizer_config.json", "a.model"):
        (tmp_path / "a" / name).touch()
    (tmp_path / "a" / "vocab.txt").touch()
    with google_source(prefix, tmp_path / "out") as files:
        with pytest.raises(ModelFolderError, match=r"one_config\.json, two_config\.json.*--config"):
            files.configuration()
        with pytest.raises(ModelFolderError, match=r"a\.model, vocab\.txt.*--vocabulary"):
            files.vocabulary()


def test_an_archive_is_unpacked_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    checkpoint(tmp_path / "albert_base")
    (tmp_path / "albert_base" / "albert_config.json").write_text("{}")
    (tmp_path / "albert_base" / "notes.txt").touch()
    archive = tmp_path / "albert_base_v2.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "albert_base", "albert_base")
    place = tmp_path / "models" / "new"
    with google_source(archive, place) as files:
        names = {path.name for path in files.prefix.parent.iterdir()}
        assert names == {"albert_config.json", *(f"model.ckpt-best{part}" for part in PARTS[:2])}
        assert place.parent in files.prefix.parents
        assert files.configuration() is not None
    assert list(place.parent.iterdir()) == []


def test_errors_name_the_archive_and_not_the_temporary_folder(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    (tmp_path / "empty").mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "empty", "empty")
    with pytest.raises(ModelFolderError) as caught, google_source(archive, tmp_path / "out"):
        pass
    assert str(caught.value).startswith(f"{archive} holds no TensorFlow checkpoint")
    checkpoint(tmp_path / "b")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "b", "b")
    with (
        pytest.raises(VocabularyError) as damaged,
        google_source(archive, tmp_path / "out") as files,
    ):
        raise VocabularyError(f"{files.prefix.with_name('a.model')} is damaged")
    assert str(damaged.value) == f"{archive}/b/a.model is damaged"
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_checkpoint_some_folders_down_is_found(tmp_path: Path) -> None:
    """As in an archive that was packed from another place than its folder."""
    prefix = checkpoint(tmp_path / "home" / "models" / "albert_base")
    hub = checkpoint(tmp_path / "other" / "deep" / "hub" / "variables", "variables")
    assert prefix_of(tmp_path / "home", tmp_path) == prefix
    assert prefix_of(tmp_path / "other", tmp_path) == hub
    with pytest.raises(ModelFolderError, match=r"several checkpoints, name one: .*albert_base"):
        checkpoint(tmp_path / "home" / "models" / "second")
        prefix_of(tmp_path / "home", tmp_path)


def test_a_published_zip_is_read_too(tmp_path: Path) -> None:
    checkpoint(tmp_path / "uncased", "bert_model.ckpt")
    with zipfile.ZipFile(tmp_path / "uncased.zip", "w") as file:
        for path in (tmp_path / "uncased").iterdir():
            file.write(path, f"uncased_L-12/{path.name}")
    with google_source(tmp_path / "uncased.zip", tmp_path / "out") as files:
        assert files.prefix.name == "bert_model.ckpt"
        assert not files.prefix.with_name("bert_model.ckpt.meta").exists()


def test_several_in_an_archive_must_be_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with tarfile.open("two.tar.gz", "w:gz") as tar:
        for name in ("one", "two"):
            checkpoint(tmp_path / name)
            tar.add(name)
    for path in (Path("two.tar.gz"), tmp_path / "two.tar.gz"):
        with pytest.raises(ModelFolderError) as caught:
            prefix_of(path, Path())
        words = f"{path} holds several checkpoints, unpack it and name one: {path}/one, {path}/two"
        assert str(caught.value) == words


def test_the_chinese_models_list_of_pieces_has_a_name_of_its_own(tmp_path: Path) -> None:
    prefix = checkpoint(tmp_path / "a")
    (tmp_path / "a" / "vocab_chinese.txt").touch()
    with google_source(prefix, tmp_path / "out") as files:
        assert files.vocabulary() == tmp_path / "a" / "vocab_chinese.txt"
        (tmp_path / "a" / "vocab.txt").touch()
        assert files.vocabulary() == tmp_path / "a" / "vocab.txt"
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "a", "a")
    with google_source(tmp_path / "a.tar", tmp_path / "out") as files:
        assert files.vocabulary() is not None


def test_a_hugging_face_folder_is_told_its_command(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    with pytest.raises(ModelFolderError, match=f"run litebert import huggingface {tmp_path}"):
        prefix_of(tmp_path, tmp_path / "out")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    for path, words in (
        (tmp_path / "empty", "holds no TensorFlow checkpoint"),
        (tmp_path / "file.txt", "is no checkpoint"),
        (tmp_path / "nowhere", "does not exist"),
    ):
        with pytest.raises(ModelFolderError, match=words):
            prefix_of(path, tmp_path)
    checkpoint(tmp_path / "many" / "a")
    checkpoint(tmp_path / "many" / "b")
    with pytest.raises(ModelFolderError, match="several checkpoints, name one"):
        prefix_of(tmp_path / "many", tmp_path)
