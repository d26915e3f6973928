"""The model folder, in Hugging Face's layout: transformers loads what litebert saves, as it is.

`config.json`, `model.safetensors`, the tokenizer's files; a fine-tuned model adds `task.json`, and
any may have a model card, `README.md`. Reading takes nothing on trust: configuration and tensors
must agree in every name and shape.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import ClassificationModel, PretrainingModel
from litebert.foundation.errors import ModelFolderError
from litebert.foundation.files import atomic_file, atomic_folder, read_json, write_json
from litebert.text.tokenizer import Tokenizer
from litebert.weights.configuration import (
    Head,
    default_labels,
    read_configuration,
    read_labels,
    write_configuration,
)
from litebert.weights.names import hugging_face_name
from litebert.weights.stored import identity, stored_form, stored_sets
from litebert.weights.tensors import TensorFile, check_depth, read_parameters

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TASK_FILE = "task.json"
CARD_FILE = "README.md"

Model = Encoder | PretrainingModel | ClassificationModel
M = TypeVar("M", Encoder, PretrainingModel, ClassificationModel)

_HEADS: dict[type[nn.Module], Head] = {
    Encoder: "none",
    PretrainingModel: "pretraining",
    ClassificationModel: "classification",
}
_DRAWS = (nn.init.normal_, nn.init.kaiming_uniform_, nn.init.uniform_)


def save_model(
    folder: str | Path,
    model: Model,
    tokenizer: Tokenizer | None = None,
    task: dict[str, Any] | None = None,
    card: str | None = None,
) -> None:
    """Write a model folder, atomically; an older model folder in its place is replaced.

    `task` becomes `task.json`, its "labels" name a classifier's outputs; `card` is Markdown.
    Raises StorageError where the folder holds something else or cannot be written.
    """
    folder = Path(folder)
    with atomic_folder(folder, replace=_is_model_folder(folder)) as new:
        write_json(new / CONFIG_FILE, _configuration(model, tokenizer, task))
        save_file(_tensors(model), new / WEIGHTS_FILE, metadata={"format": "pt"})
        if tokenizer is not None:
            tokenizer.save(new, _encoder(model).config.max_position_embeddings)
        if task is not None:
            write_json(new / TASK_FILE, task)
        if card is not None:
            with atomic_file(new / CARD_FILE, "w") as file:
                file.write(card)


def load_encoder(folder: str | Path) -> Encoder:
    """The encoder of a model folder, whatever its head.

    This and the functions below take our folders and Hugging Face's (safetensors), and raise
    ModelFolderError where the folder is none, is damaged, or lacks a tensor or has others.
    """
    return _load(resolve_model_folder(folder), Encoder)


def load_pretraining_model(folder: str | Path) -> PretrainingModel:
    """The encoder of a model folder with its masked-LM and sentence-order heads."""
    folder = resolve_model_folder(folder)
    config = read_config(folder)
    with TensorFile(folder / WEIGHTS_FILE) as file:
        if hugging_face_name("sentence_order.weight", config.family) not in file.shapes:
            raise ModelFolderError(
                f"{folder} has no masked-LM and sentence-order heads: it is not a pretraining model"
            )
    return _load(folder, PretrainingModel)


def load_classifier(folder: str | Path) -> tuple[ClassificationModel, dict[str, Any]]:
    """The encoder of a model folder with its classifier, and the task it was fine-tuned for.

    A Hugging Face folder has no `task.json`: its task is its labels.
    """
    folder = resolve_model_folder(folder)
    config = read_config(folder)
    with TensorFile(folder / WEIGHTS_FILE) as file:
        shape = file.shapes.get(hugging_face_name("classifier.weight", config.family))
    if shape is None or len(shape) != 2 or shape[0] < 1:
        raise ModelFolderError(
            f"{folder} has no classifier: it was not fine-tuned yet; "
            "run litebert finetune on a labelled table first"
        )
    classes = shape[0]
    model = _load(folder, lambda config: ClassificationModel(config, classes))
    return model, _task(folder, classes)


def read_config(folder: str | Path) -> EncoderConfig:
    """The configuration of a model folder's encoder."""
    path = resolve_model_folder(folder) / CONFIG_FILE
    return read_configuration(read_json(path, ModelFolderError), str(path))


def resolve_model_folder(path: str | Path) -> Path:
    """The model folder at `path`, or inside the run folder at `path`."""
    path = Path(path)
    for place in (path, path / "model"):
        if (place / CONFIG_FILE).is_file():
            return place
    if not path.exists():
        raise ModelFolderError(f"{path} does not exist: name a model folder or a run folder")
    if not path.is_dir():
        raise ModelFolderError(f"{path} is a file: name the model folder that holds it")
    raise ModelFolderError(
        f"{path} is not a model folder: it has no {CONFIG_FILE}, nor a model folder inside"
    )


def _configuration(
    model: Model, tokenizer: Tokenizer | None, task: dict[str, Any] | None
) -> dict[str, Any]:
    encoder, labels = _encoder(model), None
    if isinstance(model, ClassificationModel):
        classes = model.classifier.out_features
        labels = list((task or {}).get("labels", default_labels(classes)))
        if len(labels) != classes:
            raise ModelFolderError(
                f"the task has {len(labels)} labels, its model {classes} outputs"
            )
    special_ids = (0, 2, 3)
    if tokenizer is not None:
        special_ids = (tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id)
    groups = len(stored_sets(encoder))
    return write_configuration(encoder.config, groups, _HEADS[type(model)], labels, special_ids)


def _tensors(model: Model) -> dict[str, Tensor]:
    """The stored tensors; every copy has memory of its own, as safetensors demands."""
    form = stored_form(model, _encoder(model))
    state = model.state_dict()
    tensors = {name: identity(shape) for name, shape in form.identity.items()}
    for name, ours in form.parameters.items():
        tensors[name] = state[ours].to("cpu", torch.float32, copy=True).contiguous()
    return tensors


def _load(folder: Path, build: Callable[[EncoderConfig], M]) -> M:
    config = read_config(folder)
    with TensorFile(folder / WEIGHTS_FILE) as file:
        # Whatever a damaged configuration asks for, nothing is built or allocated beyond the file.
        check_depth(config, file)
        with torch.device("meta"), _NoDraws():
            model = build(config)
        form = stored_form(model, _encoder(model))
        prefix = f"{config.family}." if isinstance(model, Encoder) else ""
        state = read_parameters(file, form, prefix)
    for name, parameter in model.state_dict().items():
        if name not in state:
            # A set that no depth uses, as some cases of as many groups as layers have.
            state[name] = torch.zeros(parameter.shape)
    model.load_state_dict(state, assign=True)
    return model.eval()


class _NoDraws(TorchFunctionMode):
    """Builds modules without drawing weights, which on the meta device would load a compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        return given["tensor"] if func in _DRAWS else func(*args, **given)


def _task(folder: Path, classes: int) -> dict[str, Any]:
    path = folder / TASK_FILE
    if not path.is_file():
        labels = read_labels(read_json(folder / CONFIG_FILE, ModelFolderError), classes)
        return {"kind": "classification", "labels": labels}
    task = read_json(path, ModelFolderError)
    if not isinstance(task, dict) or not isinstance(task.get("labels"), list):
        raise ModelFolderError(f"{path} is not a task: it names no labels")
    if len(task["labels"]) != classes:
        raise ModelFolderError(
            f"{path} names {len(task['labels'])} labels, but the classifier has {classes} outputs"
        )
    return task


def _encoder(model: Model) -> Encoder:
    return model if isinstance(model, Encoder) else model.encoder


def _is_model_folder(folder: Path) -> bool:
    return (folder / CONFIG_FILE).is_file() and (folder / WEIGHTS_FILE).is_file()
