"""Hugging Face's folders of ALBERT and BERT into model folders.

Every head that transformers has for ALBERT. Nothing is made up and nothing passed over in silence:
what is missing or not known is an error, and what became of every tensor is in the report.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.models import ClassificationModel, Model, TaggingModel, head_of
from litebert.foundation.errors import ModelFolderError
from litebert.foundation.files import read_json
from litebert.foundation.progress import Progress
from litebert.text.normalise import replace_surrogates
from litebert.text.source import FAST_FILE, LIST_FILE, MODEL_FILE
from litebert.text.tokenizer import Tokenizer
from litebert.weights.configuration import (
    default_labels,
    read_configuration,
    read_labels,
    read_task,
    unread_keys,
)
from litebert.weights.folder import CONFIG_FILE, resolve_model_folder
from litebert.weights.huggingface_choice import build, choose_head
from litebert.weights.huggingface_source import (
    is_pickle,
    open_weights,
    refuse_checkpoint,
    weights_file_of,
)
from litebert.weights.imported import (
    Imported,
    check_vocabulary,
    number_notes,
    require_place,
    save_import,
    vocabulary_notes,
)
from litebert.weights.mapping import Mapped, MappingReport, TensorSource, listed
from litebert.weights.names import Family, is_constant

_ALBERTS_OWN = ("embedding_size", "num_hidden_groups", "inner_group_num")
# What presets of one shape differ in; the activation is what the files are wrong about.
_NOT_A_SHAPE = {"hidden_dropout_prob", "attention_probs_dropout_prob", "hidden_act"}


def import_huggingface(
    source: str | Path,
    out: str | Path,
    *,
    vocabulary: str | Path | None = None,
    hidden_act: str | None = None,
    allow_missing_heads: bool = False,
    allow_pickle: bool = False,
) -> Imported:
    """Make a model folder of a Hugging Face folder; an older model folder in its place is replaced.

    `vocabulary` is a tokenizer's folder or file, by default that of `source`; `hidden_act` replaces
    what `config.json` says, in transformers' words. The report of what became of every tensor is
    also written to `import.json`.

    Raises ModelFolderError where files are missing or damaged, a tensor is missing or unknown, the
    head or the pooler is missing and not allowed to, or the weights are pickled and not allowed to;
    VocabularyError where the tokenizer cannot be read.
    """
    source, out = Path(source), Path(out)
    folder = _folder(source)
    require_place(folder, out)
    path = weights_file_of(folder)
    if is_pickle(path) and not allow_pickle:
        raise ModelFolderError(
            f"{path} is a pickle, which is a program: give --allow-pickle to read the tensors in "
            "it by a process of its own, or save the model as safetensors"
        )
    where = folder / CONFIG_FILE
    values = read_json(where, ModelFolderError)
    file, tokenizer = _tokenizer(folder if vocabulary is None else Path(vocabulary))
    with (
        Progress(f"Reading {path.name}", unit="bytes") as progress,
        open_weights(path, out, progress.advance) as weights,
    ):
        values, decided = _completed(values, weights, where, hidden_act)
        config = read_configuration(values, str(where))
        check_vocabulary(tokenizer, config)
        choice = choose_head(weights, config, values, where, allow_missing_heads)
        model, rows = build(weights, choice)
        kinds = Counter(weights.kinds[row.stored] for row in rows if row.ours is not None)
        rows += [*choice.rows, *_constants(weights)]
    task, named = _task(model, values)
    notes = [*decided, *choice.notes, *named, *_notes(config, values, kinds)]
    notes += [*number_notes(model), *vocabulary_notes(tokenizer, config)]
    report = MappingReport(replace_surrogates(str(path)), tuple(rows), tuple(notes))
    made = Imported(out, config, head_of(model), file, report)
    save_import(made, model, tokenizer, task)
    return made


def _folder(source: Path) -> Path:
    if not source.exists():
        raise ModelFolderError(
            f"{source} does not exist: name a folder; litebert downloads nothing, so fetch a "
            "published model first, as with: hf download NAME --local-dir FOLDER"
        )
    if not (source / CONFIG_FILE).is_file():
        refuse_checkpoint(source)
    return resolve_model_folder(source)


def _tokenizer(place: Path) -> tuple[str | None, Tokenizer | None]:
    """The tokenizer of a folder or file with the name of its file; none where a folder has none."""
    if place.is_dir():
        held = [name for name in (MODEL_FILE, LIST_FILE, FAST_FILE) if (place / name).is_file()]
        if not held:
            return None, None
        return held[0], Tokenizer.load(place)
    return place.name, Tokenizer.load(place)


def _completed(
    values: Any, weights: TensorSource, where: Path, hidden_act: str | None
) -> tuple[Any, list[str]]:
    """The configuration with the family that it leaves out and the activation that is asked for."""
    if not isinstance(values, dict):
        return values, []
    notes: list[str] = []
    changed = dict(values)
    if values.get("model_type") is None and (family := _family(values, weights)) is not None:
        changed["model_type"] = family
        notes.append(f"{where.name} names no model_type: by what it holds it is {family}")
    if hidden_act is not None:
        changed["hidden_act"] = hidden_act
        said = values.get("hidden_act")
        notes.append(f"{where.name} says hidden_act {said!r:.40}: {hidden_act!r} as asked for")
    return changed, notes


def _family(values: dict[str, Any], weights: TensorSource) -> Family | None:
    """The family of a model that does not say it, by fields and names that only it has."""
    if any(key in values for key in _ALBERTS_OWN):
        return "albert"
    return "bert" if any(name.startswith("bert.") for name in weights.shapes) else None


def _constants(weights: TensorSource) -> list[Mapped]:
    """A row for each constant in the file."""
    note = "constants that transformers once stored"
    return [
        Mapped(name, None, shape, "skipped", note)
        for name, shape in weights.shapes.items()
        if is_constant(name)
    ]


def _task(model: Model, values: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """The content of `task.json`, and what was decided about its labels."""
    if not isinstance(model, ClassificationModel | TaggingModel) or head_of(model) == "choice":
        return None, []
    classes = model.classifier.out_features
    labels = read_labels(values, classes)
    tagging = isinstance(model, TaggingModel)
    task = {"kind": "tagging", "labels": labels} if tagging else read_task(values, classes)
    if values.get("id2label") and labels == default_labels(classes) != _named(values):
        return task, [f"id2label does not name {classes} outputs: they are called LABEL_0 …"]
    return task, []


def _named(values: dict[str, Any]) -> list[str]:
    named = values["id2label"]
    return list(map(str, named.values())) if isinstance(named, dict) else []


def _notes(config: EncoderConfig, values: dict[str, Any], kinds: Counter[str]) -> list[str]:
    """What the user should know besides what became of the tensors."""
    notes: list[str] = []
    if ignored := unread_keys(values, config.family):
        notes.append(f"{CONFIG_FILE}: {listed(ignored, most=40)}: ignored, nothing depends on it")
    for kind, count in kinds.items():
        if kind != "F32":
            notes.append(f"{count:,} tensors are {kind}: they are stored as F32")
    published = _published(config)
    if config.hidden_act == "gelu_erf" and published:
        notes.append(
            f'{CONFIG_FILE}: "gelu" is the exact function here and in transformers, but the shapes '
            f"are those of {' and '.join(published)}, which Google trained with the tanh "
            "approximation: if it is one of these, import it again with --hidden-act gelu_new"
        )
    return notes


def _published(config: EncoderConfig) -> list[str]:
    """The published ALBERTs that have the shapes of a configuration."""
    if config.family != "albert":
        return []
    shape = config.model_dump(exclude=_NOT_A_SHAPE)
    return [
        name
        for name in PRESETS
        if EncoderConfig.preset(name).model_dump(exclude=_NOT_A_SHAPE) == shape
    ]
