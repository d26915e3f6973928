"""What a file lacks of the head it is said to hold, and the smaller one that is there instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from litebert.encoder.models import Head, Model, encoder_of
from litebert.foundation.errors import ModelFolderError
from litebert.weights.assembly import Blueprint, FormOf, assemble, empty_model
from litebert.weights.mapping import Mapped, TensorSource
from litebert.weights.stored import Shape

# What is taken where a part of a head is missing: the first of these that is there.
SMALLER: dict[Head, tuple[Head, ...]] = {"pretraining": ("masked_lm", "none")}


@dataclass(frozen=True)
class Fit:
    """What is built from a file's tensors."""

    blueprint: Blueprint
    names: dict[str, str]
    """The tensors that the model must consist of: full names, each with the name in the file."""
    rows: tuple[Mapped, ...] = ()
    """The tensors that may be missing, and those of heads that are not whole."""
    notes: tuple[str, ...] = ()
    """What the user should know of the choice."""
    advice: str = ""
    """What to do where something is missing."""


def fitted(
    whole: Blueprint,
    smaller: Sequence[Blueprint],
    source: TensorSource,
    names: dict[str, str],
    full_form: FormOf,
    allow_missing: bool,
) -> Fit:
    """What a file that should hold `whole` is good for.

    Where parts of the head or the pooler are missing and may be, the first of `smaller` that is
    there; the tensors that it has no use for are skipped. `names` are full names, each with the
    name in the file, and `full_form` has such names.
    """
    needed = _needed(whole, full_form)
    missing = _missing(needed, names)
    chosen = next((b for b in smaller if not _missing(_needed(b, full_form), names)), None)
    if not missing or chosen is None:
        return Fit(whole, names)
    if not allow_missing:
        return Fit(whole, names, advice="; to import what is there, give --allow-missing-heads")
    left = [n for n in names if n in needed.all_names - _needed(chosen, full_form).all_names]
    why = f"of a head ({whole.head}) that is not whole"
    rows = [Mapped(names[n], None, source.shapes[names[n]], "skipped", why) for n in left]
    return Fit(
        chosen,
        {name: stored for name, stored in names.items() if name not in left},
        (*rows, *missing),
        ("what is missing is left out: a head made later begins at random weights",),
    )


def built(
    fit: Fit, source: TensorSource, form_of: FormOf, names: Mapping[str, str]
) -> tuple[Model, list[Mapped]]:
    """The model with a file's tensors, and what became of each; `names` are as `form_of` has them.

    Raises ModelFolderError that lists what is missing, unknown or of the wrong shape.
    """
    try:
        return assemble(fit.blueprint, source, form_of, names)
    except ModelFolderError as error:
        raise ModelFolderError(f"{error}{fit.advice}") from None


class _Needed(NamedTuple):
    """The tensors of a blueprint by their full names."""

    tensors: dict[str, tuple[str, Shape]]
    """Those a file must hold, each with the parameter of ours and its shape."""
    tied: frozenset[str]
    """Those it may hold."""

    @property
    def all_names(self) -> set[str]:
        return {*self.tensors, *self.tied}


def _needed(blueprint: Blueprint, full_form: FormOf) -> _Needed:
    model = empty_model(blueprint)
    encoder = encoder_of(model)
    form = full_form(model, encoder)
    own = "encoder." if model is encoder else ""
    tensors = {name: (own + ours, form.shapes[name]) for name, ours in form.parameters.items()}
    return _Needed(tensors, frozenset(form.tied))


def _missing(needed: _Needed, names: Mapping[str, str]) -> list[Mapped]:
    """What a file lacks that belongs to a head, or to the pooler."""
    return [
        Mapped(name, ours, shape, "missing", "not in the file, and not made up")
        for name, (ours, shape) in needed.tensors.items()
        if name not in names
        if ours.startswith("encoder.pooler.") or not ours.startswith("encoder.")
    ]
