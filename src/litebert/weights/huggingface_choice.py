"""Which head of a Hugging Face folder is imported, and what becomes of the rest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import Head, Model
from litebert.weights.assembly import Blueprint, check_depth, head_in
from litebert.weights.configuration import architecture, read_head
from litebert.weights.folder import blueprint_of, expected_names, heads_held
from litebert.weights.mapping import Mapped, TensorSource
from litebert.weights.missing import SMALLER, Fit, built, fitted
from litebert.weights.names import full_names, hugging_face_name
from litebert.weights.stored import StoredForm, stored_form


def choose_head(
    source: TensorSource, config: EncoderConfig, values: Any, where: Path, allow_missing: bool
) -> Fit:
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
    smaller = [
        blueprint_of(config, name, names, source.shapes) for name in SMALLER.get(head, ("none",))
    ]
    fit = fitted(whole, smaller, source, names, _full_form, allow_missing)
    return replace(fit, notes=(*notes, *fit.notes))


def build(source: TensorSource, fit: Fit) -> tuple[Model, list[Mapped]]:
    """The model with a source's tensors, and what became of each.

    Raises ModelFolderError that lists what is missing, unknown or of the wrong shape.
    """
    config, head = fit.blueprint.config, fit.blueprint.head
    names = expected_names(fit.names, head, config.family)
    return built(fit, source, stored_form, names)


def _full_form(model: nn.Module, encoder: Encoder) -> StoredForm:
    """The form with full names, those of an encoder alone too."""
    form = stored_form(model, encoder)
    if model is not encoder:
        return form
    front = f"{encoder.config.family}."
    parameters = {front + name: ours for name, ours in form.parameters.items()}
    return StoredForm(parameters, {front + name: shape for name, shape in form.shapes.items()})


def _more_than_said(said: Head | None, held: Blueprint, where: Path) -> str:
    family = held.config.family
    named = architecture(said, family) if said is not None else "nothing"
    return (
        f"{where.name} says {named}, the file has the heads of {architecture(held.head, family)}: "
        "all of them are imported"
    )
