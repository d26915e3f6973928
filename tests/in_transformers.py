"""The same model here and in transformers: loaded there, and their outputs compared."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.layout import Padded
from litebert.encoder.models import (
    HEADS,
    ChoiceModel,
    Head,
    MaskedLMModel,
    PretrainingModel,
    SpanModel,
)

IDS = torch.randint(40, (2, 9), generator=torch.Generator().manual_seed(1))
SEGMENTS = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0, 0, 0]])
MASK = torch.tensor([[1] * 9, [1] * 5 + [0] * 4])


def random_model(head: Head, config: EncoderConfig, pooler: bool = False) -> Any:
    """A model whose every parameter is random, so that nothing is equal by chance."""
    torch.manual_seed(0)
    model = HEADS[head].build(config, 3, pooler or head == "none")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    return model.eval()


def load_in_transformers(folder: Path, passed_over: str = "") -> Any:
    """Load as a user does, by the architecture the folder names, checking what was reported.

    Nothing may be missing or unexpected, but for tensors that begin with `passed_over`.
    """
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0])
    model, report = kind.from_pretrained(folder, output_loading_info=True)
    unexpected = report.pop("unexpected_keys")
    assert [key for key in unexpected if not (passed_over and key.startswith(passed_over))] == []
    assert {key: value for key, value in report.items() if value} == {}
    return model.eval()


def assert_equal_outputs(ours: Any, theirs: Any) -> None:
    """Equal at every real token, for a batch without padding and one with."""
    choice = isinstance(ours, ChoiceModel)  # theirs takes the choices of each question together
    for mask in (None, MASK):
        given = {"input_ids": IDS, "token_type_ids": SEGMENTS, "attention_mask": mask}
        if choice:
            given = {name: None if x is None else x[None] for name, x in given.items()}
        with torch.no_grad():
            expected = theirs(**given).to_tuple()
            for a, b in zip(outputs(ours, mask), expected, strict=True):
                tokens = a.shape[:2] == IDS.shape
                real = MASK.bool() if mask is not None and tokens else slice(None)
                assert torch.allclose(a[real], b[real], rtol=0, atol=1e-5)


def outputs(model: Any, mask: Tensor | None) -> list[Tensor]:
    """Ours, in the order and shapes of transformers'."""
    layout, every = Padded(mask), torch.arange(IDS.numel())
    if isinstance(model, Encoder):
        encoded = model(IDS, mask, SEGMENTS)
        return [x for x in encoded[:2] if x is not None]
    if isinstance(model, PretrainingModel):
        logits, order = model(IDS, SEGMENTS, layout, every)
        return [logits.view(*IDS.shape, -1), order]
    if isinstance(model, MaskedLMModel):
        return [model.masked_lm_logits(model.encoder(IDS, mask, SEGMENTS).sequence)]
    logits = model(IDS, SEGMENTS, layout)
    if isinstance(model, SpanModel):
        return list(logits.unbind(-1))
    return [logits[None] if isinstance(model, ChoiceModel) else logits]


def assert_equal_bits(model: Any, loaded: Any) -> None:
    """The same configuration and the same parameters, all of them to be trained."""
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    assert list(loaded.state_dict()) == list(model.state_dict())
    for key, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], tensor), key
    assert all(parameter.requires_grad for parameter in loaded.parameters())
