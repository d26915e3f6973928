"""Where a Hugging Face folder's weights are: in one file or several, safetensors or pickles."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from litebert.foundation.errors import ModelFolderError
from litebert.foundation.files import storage_errors
from litebert.weights.folder import WEIGHTS_FILE
from litebert.weights.mapping import TensorSource, listed
from litebert.weights.pickled import unpickle
from litebert.weights.sharded import ShardedTensors, shard_names
from litebert.weights.tensors import TensorFile

_INDEX = ".index.json"
_PICKLE = "pytorch_model.bin"
_FOREIGN = ("tf_model.h5", "flax_model.msgpack", "*.h5", "*.msgpack", "*.onnx")

Watch = Callable[[int], None]


def weights_file_of(folder: Path) -> Path:
    """The file that holds a folder's weights, or the index of those that do; never a pickle's if
    there is another.

    Raises ModelFolderError where there is none, or several and none is called as it should be.
    """
    for name in (WEIGHTS_FILE, WEIGHTS_FILE + _INDEX):
        if (folder / name).is_file():
            return folder / name
    found = sorted(path for path in folder.glob("*.safetensors") if path.is_file())
    if len(found) > 1:
        raise ModelFolderError(
            f"{folder} holds {listed(path.name for path in found)}, but no {WEIGHTS_FILE} nor "
            f"{WEIGHTS_FILE}{_INDEX} that says how they belong together"
        )
    if found:
        return found[0]
    for name in (_PICKLE, _PICKLE + _INDEX):
        if (folder / name).is_file():
            return folder / name
    refuse_checkpoint(folder)
    foreign = listed(sorted({path.name for name in _FOREIGN for path in folder.glob(name)}))
    beside = f"; {foreign} is not read: save the model as safetensors" if foreign else ""
    raise ModelFolderError(f"{folder} holds no weights: {WEIGHTS_FILE} is missing{beside}")


def refuse_checkpoint(folder: Path) -> None:
    """Raise ModelFolderError where a folder holds what another command imports."""
    if any(folder.glob("*.index")):
        raise ModelFolderError(
            f"{folder} holds a TensorFlow checkpoint: run litebert import google {folder} on it"
        )


def is_pickle(path: Path) -> bool:
    """Whether a folder's weights are pickled."""
    return path.name.startswith(_PICKLE)


@contextmanager
def open_weights(path: Path, beside: Path, watch: Watch | None = None) -> Iterator[TensorSource]:
    """The tensors in a file, or in the files of an index, for as long as the block lasts.

    Pickles become safetensors in a temporary folder beside `beside`. Raises ModelFolderError where
    a file is missing or damaged.
    """
    with ExitStack() as files:
        place = files.enter_context(_place(beside)) if is_pickle(path) else None

        def opened(file: Path) -> TensorFile:
            if place is None:
                return files.enter_context(TensorFile(file, watch=watch))
            unpickle(file, place / file.name)
            return files.enter_context(TensorFile(place / file.name, str(file), watch))

        if path.name.endswith(_INDEX):
            shards = {name: opened(path.with_name(name)) for name in shard_names(path)}
            yield ShardedTensors(path, shards)
        else:
            yield opened(path)


@contextmanager
def _place(beside: Path) -> Iterator[Path]:
    with storage_errors(beside):
        beside.parent.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=f".{beside.name}.", suffix=".tmp", dir=beside.parent)
    with folder as name:
        yield Path(name)
