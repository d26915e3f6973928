"""The model folder, in Hugging Face's layout: transformers loads what litebert saves, as it is.

`config.json`, `model.safetensors`, the tokenizer's files; a fine-tuned model adds `task.json`, and
any may have a model card, `README.md`. Reading takes nothing on trust: configuration and tensors
must agree in every name and shape.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import (
    HEADS,
    ClassificationModel,
    Head,
    Model,
    PretrainingModel,
    TaggingModel,
    encoder_of,
    head_of,
)
from litebert.foundation.errors import ModelFolderError, VocabularyError
from litebert.foundation.files import atomic_file, atomic_folder, read_json, write_json
from litebert.text.tokenizer import Tokenizer
from litebert.weights.assembly import Blueprint, assemble, head_in, outline
from litebert.weights.configuration import (
    ARCHITECTURES,
    PROBLEM_TYPES,
    default_labels,
    read_configuration,
    read_head,
    read_task,
    write_configuration,
)
from litebert.weights.names import TABLES, Family, full_names, hugging_face_name
from litebert.weights.stored import Shape, identity, stored_form, stored_sets
from litebert.weights.tensors import Storable, TensorFile, write_tensors

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TASK_FILE = "task.json"
CARD_FILE = "README.md"
# Not model.safetensors, so that nothing loads what transformers cannot run.
OWN_WEIGHTS_FILE = "litebert.safetensors"
_NOT_TUNED = ("none", "pretraining", "masked_lm")
MOST_CLASSES = 1 << 20  # whatever a damaged file says


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
    with atomic_folder(folder, replace=is_model_folder(folder)) as new:
        write_json(new / CONFIG_FILE, _configuration(model, tokenizer, task))
        write_tensors(new / weights_file(head_of(model)), _tensors(model))
        if tokenizer is not None:
            tokenizer.save(new, encoder_of(model).config.max_position_embeddings)
        if task is not None:
            write_json(new / TASK_FILE, task)
        if card is not None:
            with atomic_file(new / CARD_FILE, "w") as file:
                file.write(card)


def load_model(folder: str | Path) -> Model:
    """The model of a model folder, with whatever head it has.

    This and the functions below take our folders and Hugging Face's (safetensors), and raise
    ModelFolderError where the folder is none, is damaged, or lacks a tensor or has others.
    """
    return _load(resolve_model_folder(folder), None)


def load_outline(folder: str | Path) -> Model:
    """The same on the meta device: what the folder says it holds, without reading the weights."""
    with _opened(resolve_model_folder(folder), None) as (file, blueprint, names):
        return outline(blueprint, file, stored_form, names)


def load_encoder(folder: str | Path) -> Encoder:
    """The encoder of a model folder, whatever its head."""
    model = _load(resolve_model_folder(folder), "none")
    assert isinstance(model, Encoder)
    return model


def load_pretraining_model(folder: str | Path) -> PretrainingModel:
    """The encoder of a model folder with its masked-LM and sentence-order heads."""
    folder = resolve_model_folder(folder)
    model = _load(folder, None) if _has(folder, "sentence_order.weight") else None
    if not isinstance(model, PretrainingModel):
        raise ModelFolderError(
            f"{folder} has no masked-LM and sentence-order heads: it is not a pretraining model"
        )
    return model


def load_fine_tuned(folder: str | Path) -> tuple[Model, dict[str, Any]]:
    """The model of a model folder with its task's head, and the task it was fine-tuned for.

    A Hugging Face folder has no `task.json`: its task is its head's, with its labels if any.
    """
    folder = resolve_model_folder(folder)
    with _opened(folder, None) as (_, blueprint, _):
        head = blueprint.head
    if head in _NOT_TUNED:
        raise ModelFolderError(
            f"{folder} has no head for a task: it was not fine-tuned yet; "
            "run litebert finetune on labelled data first"
        )
    model = _load(folder, None)
    classes = model.classifier.out_features if type(model) is ClassificationModel else None
    return model, _task(folder, head, classes)


def task_name(folder: str | Path) -> str:
    """What a model folder was fine-tuned for: its named task, or the kind; "" where for nothing."""
    path = resolve_model_folder(folder) / TASK_FILE
    task = read_json(path, ModelFolderError) if path.is_file() else None
    if not isinstance(task, dict):
        return ""
    return str(task.get("dataset") or task.get("kind") or "a task of its own")


def read_config(folder: str | Path) -> EncoderConfig:
    """The configuration of a model folder's encoder."""
    path = resolve_model_folder(folder) / CONFIG_FILE
    return read_configuration(read_json(path, ModelFolderError), str(path))


def matching_tokenizer(folder: Path, config: EncoderConfig) -> Tokenizer:
    """The tokenizer of a model folder. Raises VocabularyError where it is of another model."""
    tokenizer = Tokenizer.load(folder)
    if tokenizer.vocab_size > config.vocab_size:
        raise VocabularyError(
            f"{folder}: the vocabulary has {tokenizer.vocab_size:,} pieces, the model embeds "
            f"{config.vocab_size:,}: the tokenizer's files are of another model"
        )
    return tokenizer


def weights_file(head: Head) -> str:
    """The name of the weights file in the folder of a model with this head."""
    return WEIGHTS_FILE if head in ARCHITECTURES else OWN_WEIGHTS_FILE


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


def require_apart(source: Path, out: Path) -> None:
    """Raise ModelFolderError where what is made of a folder would lie in it, or around it."""
    a, b = source.absolute().resolve(), out.absolute().resolve()
    if a == b or a in b.parents or b in a.parents:
        raise ModelFolderError(
            f"{out} and {source} lie within each other, and the original is never changed: "
            "name another folder"
        )


def is_model_folder(folder: Path) -> bool:
    """Whether a folder holds a model as litebert saves it, which a newer one may replace."""
    weights = (WEIGHTS_FILE, OWN_WEIGHTS_FILE)
    return (folder / CONFIG_FILE).is_file() and any((folder / name).is_file() for name in weights)


def _configuration(
    model: Model, tokenizer: Tokenizer | None, task: dict[str, Any] | None
) -> dict[str, Any]:
    encoder, labels = encoder_of(model), None
    if isinstance(model, ClassificationModel | TaggingModel) and head_of(model) != "choice":
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
    values = write_configuration(encoder.config, groups, head_of(model), labels, special_ids)
    if task is not None and task.get("kind") in PROBLEM_TYPES:
        values["problem_type"] = task["kind"]
    return values


def _tensors(model: Model) -> dict[str, Storable]:
    """The stored tensors by Hugging Face's names; copies are written from one tensor."""
    form = stored_form(model, encoder_of(model))
    state = model.state_dict()

    def own(name: str) -> Storable:
        return Storable(form.shapes[name], lambda: state[form.parameters[name]])

    def none(shape: tuple[int, ...]) -> Storable:
        return Storable(shape, lambda: identity(shape))

    return {name: own(name) for name in form.parameters} | {
        name: none(shape) for name, shape in form.identity.items()
    }


def _load(folder: Path, wanted: Head | None) -> Model:
    """The model with the head that the folder says or holds; its encoder alone for "none"."""
    with _opened(folder, wanted) as (file, blueprint, names):
        return assemble(blueprint, file, stored_form, names)[0]


@contextmanager
def _opened(
    folder: Path, wanted: Head | None
) -> Iterator[tuple[TensorFile, Blueprint, dict[str, str]]]:
    """The weights of a folder, what to build of them, and their names as they are expected."""
    where = folder / CONFIG_FILE
    values = read_json(where, ModelFolderError)
    config = read_configuration(values, str(where))
    said = read_head(values, str(where))
    with TensorFile(folder / weights_file(said or "none")) as file:
        names = full_names(file.shapes, config.family)
        if wanted == "none":
            names = {n: s for n, s in names.items() if n.startswith(f"{config.family}.")}
        head = head_in(heads_held(names, config.family), said) if wanted is None else wanted
        blueprint = blueprint_of(config, head, names, file.shapes)
        yield file, blueprint, expected_names(names, head, config.family)


def expected_names(names: Mapping[str, str], head: Head, family: Family) -> dict[str, str]:
    """Full names in the form of a model with this head: an encoder alone has no "albert."."""
    prefix = f"{family}." if head == "none" else ""
    return {name.removeprefix(prefix): stored for name, stored in names.items()}


def heads_held(names: Iterable[str], family: Family) -> set[str]:
    """Our names of the heads whose tensors are among the names of a file."""
    heads = {ours: theirs for ours, theirs in TABLES[family].items() if "encoder." not in ours}
    held = set(names)
    return {
        ours
        for ours, theirs in heads.items()
        if f"{theirs}.weight" in held or f"{theirs}.bias" in held
    }


def blueprint_of(
    config: EncoderConfig, head: Head, names: Mapping[str, str], shapes: Mapping[str, Shape]
) -> Blueprint:
    """What to build so that it fits a file: a head's outputs, and whether there is a pooler.

    `names` are full names, each with the name in the file.
    """
    classifier = names.get(hugging_face_name("classifier.weight", config.family), "")
    outputs = shapes.get(classifier, (1,))[:1]
    classes = outputs[0] if outputs and 0 < outputs[0] <= MOST_CLASSES else 1
    pooler = hugging_face_name("encoder.pooler.weight", config.family) in names
    return Blueprint(config, head, classes, pooler or HEADS[head].needs_pooler)


def _has(folder: Path, ours: str) -> bool:
    """Whether the weights of a folder hold a parameter of a head."""
    values = read_json(folder / CONFIG_FILE, ModelFolderError)
    head = read_head(values, str(folder / CONFIG_FILE)) if isinstance(values, dict) else None
    with TensorFile(folder / weights_file(head or "none")) as file:
        family = read_config(folder).family
        return hugging_face_name(ours, family) in full_names(file.shapes, family)


def _task(folder: Path, head: Head, classes: int | None) -> dict[str, Any]:
    """The task of a folder whose model has this head, and of a classifier so many outputs."""
    path = folder / TASK_FILE
    if not path.is_file():
        if classes is None:
            return {"kind": head}
        return read_task(read_json(folder / CONFIG_FILE, ModelFolderError), classes)
    task = read_json(path, ModelFolderError)
    if isinstance(task, dict) and (classes is None or task.get("kind") == "regression"):
        return task
    if not isinstance(task, dict) or not isinstance(task.get("labels"), list):
        raise ModelFolderError(f"{path} is not a task: it names no labels")
    if len(task["labels"]) != classes:
        raise ModelFolderError(
            f"{path} names {len(task['labels'])} labels, but the classifier has {classes} outputs"
        )
    return task
