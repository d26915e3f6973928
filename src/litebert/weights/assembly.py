"""A model built to fit the tensors of a source, and filled with them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import (
    HEADS,
    ClassificationModel,
    Head,
    Model,
    TaggingModel,
    encoder_of,
    head_of,
)
from litebert.foundation.errors import ModelFolderError
from litebert.weights.mapping import Mapped, TensorSource, check_fit, read_parameters
from litebert.weights.stored import StoredForm

# What a head consists of, by the first words of our names; of equal ones the likeliest is first.
HEAD_PARTS: dict[Head, tuple[str, ...]] = {
    "none": (),
    "pretraining": ("masked_lm", "sentence_order"),
    "masked_lm": ("masked_lm",),
    "classification": ("classifier",),
    "choice": ("classifier",),
    "tagging": ("classifier",),
    "span": ("span",),
    "answerable_span": ("answerable_span",),
}
_DRAWS = (nn.init.normal_, nn.init.kaiming_uniform_, nn.init.uniform_)


class Blueprint(NamedTuple):
    """Which model to build: its encoder, its head, and the size of that."""

    config: EncoderConfig
    head: Head
    classes: int = 1
    """Outputs of a classifier, a row or a token."""
    pooler: bool = True

    @classmethod
    def of(cls, model: Model) -> Self:
        """The blueprint that a model was built after."""
        encoder = encoder_of(model)
        classes = 1
        if isinstance(model, ClassificationModel | TaggingModel):
            classes = model.classifier.out_features
        return cls(encoder.config, head_of(model), classes, encoder.pooler is not None)


FormOf = Callable[[nn.Module, Encoder], StoredForm]


def assemble(
    blueprint: Blueprint, source: TensorSource, form_of: FormOf, names: Mapping[str, str]
) -> tuple[Model, list[Mapped]]:
    """The model of a blueprint with a source's tensors, and what became of each of them.

    `names` maps the form's names to the source's. Raises ModelFolderError where they do not fit.
    """
    # Whatever a damaged configuration asks for, nothing is built or allocated beyond the file.
    check_depth(blueprint.config, source)
    model = empty_model(blueprint)
    state, rows = read_parameters(source, form_of(model, encoder_of(model)), names)
    for name, parameter in model.state_dict().items():
        if name not in state:
            # A set that no depth uses, as some cases of as many groups as layers have.
            state[name] = torch.zeros(parameter.shape)
    model.load_state_dict(state, assign=True)
    return model.eval(), rows


def outline(
    blueprint: Blueprint, source: TensorSource, form_of: FormOf, names: Mapping[str, str]
) -> Model:
    """The same on the meta device: names and shapes are checked, and no tensor is read."""
    check_depth(blueprint.config, source)
    model = empty_model(blueprint)
    check_fit(source, form_of(model, encoder_of(model)), names)
    return model


def empty_model(blueprint: Blueprint) -> Model:
    """The model of a blueprint on the meta device: its modules and shapes, without any weights."""
    kind = HEADS[blueprint.head]
    with torch.device("meta"), _NoDraws():
        return kind.build(blueprint.config, blueprint.classes, blueprint.pooler)


def rebuilt(model: Model, config: EncoderConfig, state: Mapping[str, Tensor]) -> Model:
    """A model with the head of another, of `config`, filled with copies of `state`.

    It computes in the precision, and is in the mode, that the other is in.
    """
    new = empty_model(Blueprint.of(model)._replace(config=config))
    new.load_state_dict({name: t.detach().clone() for name, t in state.items()}, assign=True)
    old, encoder = encoder_of(model), encoder_of(new)
    encoder.compute_dtype, encoder.attention_backend = old.compute_dtype, old.attention_backend
    return new.train(model.training)


def head_in(ours: Iterable[str], said: Head | None = None) -> Head:
    """The head that a source holds, by our names of the parameters that were found in it.

    What the source has beyond the head that its configuration `said` counts; what it lacks does
    not change that head. A classifier of which nothing is said is one of whole sequences. Raises
    ModelFolderError where nothing is said and heads are mixed.
    """
    parts = {name.partition(".")[0] for name in ours} - {"encoder"}
    fitting = [head for head in HEAD_PARTS if parts == set(HEAD_PARTS[head])]
    if said is not None and (said in fitting or not fitting or not parts > set(HEAD_PARTS[said])):
        return said
    if not fitting:
        raise ModelFolderError(
            f"these heads do not belong to one model: {', '.join(sorted(parts))}"
        )
    return fitting[0]


def check_depth(config: EncoderConfig, source: TensorSource) -> None:
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
