"""Which parameters decay: kernels and embedding tables do, layer norms and biases do not."""

import re
from collections.abc import Iterable
from typing import Any

from torch import nn

from litebert.foundation.errors import ConfigError

# The original searches variable names for the first three; `norm` is what our modules are called.
_EXCLUDED = re.compile(r"LayerNorm|layer_norm|bias|(?:^|[./])norm(?:[./]|$)")


def decays(name: str) -> bool:
    """Whether weight decay (and LAMB's trust ratio) applies to the parameter of this name.

    Knows our names ("encoder.embeddings.norm.weight"), the original's ("bert/embeddings/LayerNorm
    /gamma", "cls/predictions/output_bias") and Hugging Face's.
    """
    return _EXCLUDED.search(name) is None


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]], weight_decay: float
) -> list[dict[str, Any]]:
    """Split trainable parameters into a decayed group and one without decay, order and names kept.

    Raises ConfigError when nothing is trainable.
    """
    trainable = [(name, p) for name, p in named_parameters if p.requires_grad]
    if not trainable:
        raise ConfigError("there is no trainable parameter: pass model.named_parameters()")
    groups = [
        {
            "params": [(name, p) for name, p in trainable if decays(name) == decayed],
            "weight_decay": weight_decay if decayed else 0.0,
            "decayed": decayed,
        }
        for decayed in (True, False)
    ]
    return [group for group in groups if group["params"]]
