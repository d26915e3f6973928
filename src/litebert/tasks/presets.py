"""The published hyper-parameters of fine-tuning, as rows of one kind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """A row of the paper's Table 14 (ALBERT xxlarge; Adam, weight decay 0.01).

    Smaller models bear larger rates; `steps` and `batch_size` belong together and to the official
    training set.
    """

    learning_rate: float
    batch_size: int
    encoder_dropout: float
    classifier_dropout: float
    steps: int
    warmup_steps: int
    max_length: int
    any_size: bool = False
    """Whether the rate is for all published sizes, base and up, and not for xxlarge alone."""
