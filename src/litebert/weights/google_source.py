"""Where a Google checkpoint's files are: a folder, a prefix, an archive, a TF-Hub module."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from litebert.foundation.errors import LitebertError, ModelFolderError
from litebert.foundation.files import storage_errors
from litebert.foundation.progress import Progress
from litebert.text.source import LIST_FILE
from litebert.weights.archive import ENDINGS, is_archive, unpack
from litebert.weights.bundle_writer import CHECKPOINT_FILE
from litebert.weights.folder import CONFIG_FILE
from litebert.weights.google_config import CONFIG_FILES
from litebert.weights.mapping import listed

_INDEX = ".index"
_PARTS = re.compile(r"(?P<prefix>.+)(\.index|\.meta|\.data-\d{5}-of-\d{5})")
_LATEST = re.compile(r'^model_checkpoint_path:\s*"([^"\\]+)"', re.MULTILINE)
_CONFIG_LIKE = "*config*.json"
_MODEL_LIKE = "*.model"
_LIST_LIKE = "vocab*.txt"  # the Chinese models' is called vocab_chinese.txt
_DEEPEST, _BROADEST = 5, 1000  # folders below the one that is named, and of one depth
_NAME_ONE = "name one"
_VARIABLES = "variables"  # where a hub module and a saved model have their checkpoint


@dataclass(frozen=True)
class GoogleSource:
    """The files of one checkpoint."""

    prefix: Path
    folders: tuple[Path, ...]
    """Where its configuration and vocabulary may be."""
    notes: tuple[str, ...] = field(default=())
    """What was decided on the way."""

    def configuration(self) -> Path | None:
        """The configuration, if there is one. Raises ModelFolderError where there are several."""
        return self._only("configurations", "--config", self._configurations)

    def vocabulary(self) -> Path | None:
        """The SentencePiece model or vocab.txt, if there is one. Raises as `configuration` does."""
        return self._only("vocabularies", "--vocabulary", self._vocabularies)

    def _configurations(self, folder: Path) -> list[Path]:
        named = [folder / name for name in CONFIG_FILES.values() if (folder / name).is_file()]
        others = (p for p in folder.glob(_CONFIG_LIKE) if not p.name.startswith("tokenizer"))
        return named or sorted(others)

    def _vocabularies(self, folder: Path) -> list[Path]:
        usual = [folder / LIST_FILE] if (folder / LIST_FILE).is_file() else []
        return sorted(folder.glob(_MODEL_LIKE)) + (usual or sorted(folder.glob(_LIST_LIKE)))

    def _only(self, what: str, option: str, search: Callable[[Path], list[Path]]) -> Path | None:
        for folder in self.folders:
            found = search(folder)
            if len(found) > 1:
                names = listed(path.name for path in found)
                raise ModelFolderError(
                    f"{folder} holds several {what} ({names}): name one with {option}"
                )
            if found:
                return found[0]
        return None


@contextmanager
def google_source(path: Path, beside: Path) -> Iterator[GoogleSource]:
    """The files of the checkpoint at `path`, for as long as the block lasts.

    `path` is a folder, a checkpoint's prefix or one of its files, an archive, or a TensorFlow Hub
    module's folder. An archive is unpacked into a temporary folder beside `beside`. Raises
    ModelFolderError where there is no checkpoint, or there are several and none is named.
    """
    if not (path.is_file() and is_archive(path)):
        yield find_checkpoint(path)
        return
    with storage_errors(beside):
        beside.parent.mkdir(parents=True, exist_ok=True)
        place = TemporaryDirectory(prefix=f".{beside.name}.", suffix=".tmp", dir=beside.parent)
    with place as folder:
        with Progress(f"Unpacking {path.name}", path.stat().st_size, "bytes") as progress:
            unpack(path, Path(folder), _is_part, progress.advance)
        try:
            yield find_checkpoint(Path(folder), f"unpack it and {_NAME_ONE}")
        except LitebertError as error:
            # The temporary folder is gone when the message is read.
            words = str(error).replace(str(Path(folder)), str(path))
            raise type(error)(words) from error.__cause__


def _is_part(name: str) -> bool:
    """Whether a file of an archive may be needed."""
    return (
        name == CHECKPOINT_FILE
        or PurePath(name).match(_LIST_LIKE)
        or name.endswith((_INDEX, ".model", ".json"))
        or ".data-" in name
    )


def find_checkpoint(path: Path, choose: str = _NAME_ONE) -> GoogleSource:
    """The files of the checkpoint at `path`, no archive; where there are several, `choose` says
    what to do. Raises as `google_source` does.
    """
    prefix, notes = _prefix(path, choose)
    folders = [prefix.parent, prefix.parent / "assets"]
    if prefix.parent.name == _VARIABLES:
        folders += [prefix.parent.parent / "assets", prefix.parent.parent]
    return GoogleSource(prefix, tuple(folders), tuple(notes))


def _prefix(path: Path, choose: str) -> tuple[Path, list[str]]:
    """The checkpoint's prefix, and what there is to say about the choice."""
    if path.is_dir():
        return _prefix_below(path, choose)
    if path.with_name(f"{path.name}{_INDEX}").is_file():
        return path, []
    if path.is_file() and (part := _PARTS.fullmatch(path.name)) is not None:
        return path.with_name(part["prefix"]), []
    if path.is_file():
        raise ModelFolderError(
            f"{path} is no checkpoint: name its folder, its prefix, or an archive of it "
            f"({', '.join(ENDINGS)})"
        )
    raise ModelFolderError(f"{path} does not exist: name a checkpoint's folder, prefix or archive")


def _prefix_below(folder: Path, choose: str) -> tuple[Path, list[str]]:
    """The checkpoint in a folder, or the nearest of those in the folders below it."""
    level = [folder]
    for _ in range(_DEEPEST):
        held = [place for place in level if _names(place) or _names(place / _VARIABLES)]
        if len(held) == 1:
            return _prefix_in(held[0], choose)
        if held:
            raise ModelFolderError(
                f"{folder} holds several checkpoints, {choose}: {listed([str(p) for p in held])}"
            )
        level = sorted(path for place in level for path in _folders(place))[:_BROADEST]
    why = f"there is no file *{_INDEX} in it"
    if (folder / CONFIG_FILE).is_file():
        why = f"if it is Hugging Face's, run litebert import huggingface {folder} on it"
    raise ModelFolderError(f"{folder} holds no TensorFlow checkpoint: {why}")


def _prefix_in(folder: Path, choose: str) -> tuple[Path, list[str]]:
    """The checkpoint in a folder that holds at least one."""
    place = folder if _names(folder) else folder / _VARIABLES
    names = _names(place)
    latest = _latest(place)
    if latest in names:
        others = f" of {len(names)}" if len(names) > 1 else ""
        return place / latest, [f"{latest}{others}, as the file checkpoint says"]
    if len(names) > 1:
        raise ModelFolderError(
            f"{folder} holds several checkpoints, {choose}: "
            f"{listed([str(place / name) for name in names])}"
        )
    said = [f"the file checkpoint names {latest}, which is not there"] if latest else []
    return place / names[0], said


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, those that links lead to left out; none where it cannot be read."""
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _names(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(_INDEX) for path in folder.glob(f"*{_INDEX}"))


def _latest(folder: Path) -> str:
    """The checkpoint that the file `checkpoint` names; its folder was that of another machine."""
    path = folder / CHECKPOINT_FILE
    if not path.is_file():
        return ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = _LATEST.search(file.read(1 << 16))
    except OSError:
        return ""
    return re.split(r"[/\\]", found[1])[-1] if found is not None else ""
