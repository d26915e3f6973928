"""Which head of a Hugging Face folder is imported, and what becomes of the rest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import Head, Model, encoder_of
from litebert.foundation.errors import ModelFolderError
from litebert.weights.assembly import Blueprint, assemble, check_depth, empty_model, head_in
from litebert.weights.configuration import architecture, read_head
from litebert.weights.folder import blueprint_of, expected_names, heads_held
from litebert.weights.mapping import Mapped, TensorSource
from litebert.weights.names import full_names, hugging_face_name
from litebert.weights.stored import Shape, stored_form

# What is taken where a part of a head is missing: the first of these that is there.
_SMALLER: dict[Head, tuple[Head, ...]] = {"pretraining": ("masked_lm", "none")}


@dataclass(frozen=True)
class Choice:
    """What is built from a folder's tensors."""

    blueprint: Blueprint
    names: dict[str, str]
    """The tensors that the model must consist of: full names, each with the name in the file."""
    rows: tuple[Mapped, ...] = ()
    """The tensors that may be missing, and those of heads that are not whole."""
    notes: tuple[str, ...] = ()
    """What the user should know of the choice."""
    advice: str = ""
    """What to do where something is missing."""


def choose_head(
    source: TensorSource, config: EncoderConfig, values: Any, where: Path, allow_missing: bool
) -> Choice:
    """The head that `values`, the configuration at `where`, says, or that the file holds beyond it.

    Where a part of it, or the pooler, is missing and may be, a smaller one or the encoder alone;
    tensors of heads that are not whole are skipped. Raises ModelFolderError where the configuration
    asks for more layers than the file has, or heads are mixed.
    """
    check_depth(config, source)
    names = full_names(source.shapes, config.family)
    said = read_head(values, str(where))
    head = head_in(heads_held(names, config.family), said)
    pooler = hugging_face_name("encoder.pooler.weight", config.family) in names
    if said is None and head == "classification" and not pooler:
        head = "tagging"  # of transformers' two classifiers it is the one without a pooler
    whole = blueprint_of(config, head, names, source.shapes)
    if head == "none" and "litebert" not in values:
        whole = whole._replace(pooler=True)  # theirs has one
    notes = [] if said in (None, head) else [_more_than_said(said, whole, where)]
    needed = _needed(whole)
    missing = _missing_beyond(needed, names)
    if not missing:
        return Choice(whole, names, notes=tuple(notes))
    if not allow_missing:
        advice = "; to import what is there, give --allow-missing-heads"
        return Choice(whole, names, notes=tuple(notes), advice=advice)
    for smaller in _SMALLER.get(head, ("none",)):  # the last is there in any case
        chosen = blueprint_of(config, smaller, names, source.shapes)
        kept = _needed(chosen)
        if not _missing_beyond(kept, names):
            break
    left = [name for name in names if name in needed.all_names - kept.all_names]
    why = f"of a head ({head}) that is not whole"
    rows = [Mapped(names[n], None, source.shapes[names[n]], "skipped", why) for n in left]
    rows += missing
    notes.append("what is missing is left out: a head made later begins at random weights")
    taken = {name: stored for name, stored in names.items() if name not in left}
    return Choice(chosen, taken, tuple(rows), tuple(notes))


def build(source: TensorSource, choice: Choice) -> tuple[Model, list[Mapped]]:
    """The model with a source's tensors, and what became of each.

    Raises ModelFolderError that lists what is missing, unknown or of the wrong shape.
    """
    config, head = choice.blueprint.config, choice.blueprint.head
    names = expected_names(choice.names, head, config.family)
    try:
        return assemble(choice.blueprint, source, stored_form, names)
    except ModelFolderError as error:
        raise ModelFolderError(f"{error}{choice.advice}") from None


class _Needed(NamedTuple):
    """The tensors of a blueprint by their full names."""

    tensors: dict[str, tuple[str, Shape]]
    """Those a file must hold, each with the parameter of ours and its shape."""
    tied: frozenset[str]
    """Those it may hold."""

    @property
    def all_names(self) -> set[str]:
        return {*self.tensors, *self.tied}


def _needed(blueprint: Blueprint) -> _Needed:
    model = empty_model(blueprint)
    form = stored_form(model, encoder_of(model))
    alone = blueprint.head == "none"
    front, own = (f"{blueprint.config.family}.", "encoder.") if alone else ("", "")
    tensors = {
        front + name: (own + ours, form.shapes[name]) for name, ours in form.parameters.items()
    }
    return _Needed(tensors, frozenset(form.tied))


def _missing_beyond(needed: _Needed, names: dict[str, str]) -> list[Mapped]:
    """What a file lacks that belongs to a head, or to the pooler."""
    return [
        Mapped(name, ours, shape, "missing", "not in the file, and not made up")
        for name, (ours, shape) in needed.tensors.items()
        if name not in names
        if ours.startswith("encoder.pooler.") or not ours.startswith("encoder.")
    ]


def _more_than_said(said: Head | None, held: Blueprint, where: Path) -> str:
    family = held.config.family
    named = architecture(said, family) if said is not None else "nothing"
    return (
        f"{where.name} says {named}, the file has the heads of {architecture(held.head, family)}: "
        "all of them are imported"
    )
