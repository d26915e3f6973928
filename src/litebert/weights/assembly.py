"""A model built to fit the tensors of a source, and filled with them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import HEADS, Head, Model, encoder_of
from litebert.foundation.errors import ModelFolderError
from litebert.weights.mapping import Mapped, TensorSource, read_parameters
from litebert.weights.stored import StoredForm

_DRAWS = (nn.init.normal_, nn.init.kaiming_uniform_, nn.init.uniform_)


class Blueprint(NamedTuple):
    """Which model to build: its encoder, its head, and the size of that."""

    config: EncoderConfig
    head: Head
    classes: int = 1
    """Outputs of a classifier, a row or a token."""
    pooler: bool = True


FormOf = Callable[[nn.Module, Encoder], StoredForm]


def assemble(
    blueprint: Blueprint, source: TensorSource, form_of: FormOf, names: Mapping[str, str]
) -> tuple[Model, list[Mapped]]:
    """The model of a blueprint with a source's tensors, and what became of each of them.

    `names` maps the form's names to the source's. Raises ModelFolderError where they do not fit.
    """
    # Whatever a damaged configuration asks for, nothing is built or allocated beyond the file.
    _check_depth(blueprint.config, source)
    kind = HEADS[blueprint.head]
    with torch.device("meta"), _NoDraws():
        model = kind.build(blueprint.config, blueprint.classes, blueprint.pooler)
    state, rows = read_parameters(source, form_of(model, encoder_of(model)), names)
    for name, parameter in model.state_dict().items():
        if name not in state:
            # A set that no depth uses, as some cases of as many groups as layers have.
            state[name] = torch.zeros(parameter.shape)
    model.load_state_dict(state, assign=True)
    return model.eval(), rows


def head_in(ours: Iterable[str]) -> Head:
    """The head that a source holds, by our names of the parameters that were found in it.

    A classifier is taken for one of whole sequences. Raises ModelFolderError where heads are mixed.
    """
    parts = {name.partition(".")[0] for name in ours} - {"encoder"}
    heads: dict[frozenset[str], Head] = {
        frozenset(): "none",
        frozenset({"masked_lm"}): "masked_lm",
        frozenset({"masked_lm", "sentence_order"}): "pretraining",
        frozenset({"classifier"}): "classification",
        frozenset({"span"}): "span",
        frozenset({"answerable_span"}): "answerable_span",
    }
    head = heads.get(frozenset(parts))
    if head is None:
        raise ModelFolderError(
            f"these heads do not belong to one model: {', '.join(sorted(parts))}"
        )
    return head


def _check_depth(config: EncoderConfig, source: TensorSource) -> None:
    """Raise ModelFolderError when there are more layers in the configuration than in the file."""
    shared = config.sharing == "all"
    sets = config.num_hidden_groups if shared else config.num_hidden_layers
    if sets * config.inner_group_num > len(source.shapes):
        raise ModelFolderError(
            f"{source.where} does not fit its configuration, which asks for "
            f"{sets * config.inner_group_num} layers"
        )


class _NoDraws(TorchFunctionMode):
    """Builds modules without drawing weights, which on the meta device would load a compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        return given["tensor"] if func in _DRAWS else func(*args, **given)
