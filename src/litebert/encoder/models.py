"""The encoder together with its heads: for pretraining, and for each kind of task.

Shapes: B sequences, T tokens, N tokens of a packed batch, M masked positions, H hidden,
V vocabulary, C classes.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder, initialise
from litebert.encoder.heads import AnswerableSpanHead, Classifier, MaskedLMHead, answers_outside
from litebert.encoder.layout import Layout

Head = Literal[
    "none",
    "pretraining",
    "masked_lm",
    "classification",
    "choice",
    "tagging",
    "span",
    "answerable_span",
]


class MaskedLMModel(nn.Module):
    """Encoder and masked-LM head, whose decoder is tied to the word embeddings.

    Builds on the meta device, as all of these do. Source: the original's run_pretraining.py.
    """

    def __init__(self, config: EncoderConfig, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, pooler)
        self.masked_lm = MaskedLMHead(config)
        initialise(self.masked_lm, config.initializer_range)

    def masked_lm_logits(self, hidden: Tensor) -> Tensor:
        """Hidden states of masked positions (M, H) to logits over the vocabulary (M, V)."""
        logits: Tensor = self.masked_lm(hidden, self.encoder.embeddings.word.weight)
        return logits

    def masked_lm_log_probs(self, sequence: Tensor, positions: Tensor) -> Tensor:
        """Log-probabilities at `positions` (B, M) of a padded sequence output (B, T, H).

        Returns (B * M, V), sequence by sequence, as the original's get_masked_lm_output does.
        """
        rows = torch.arange(sequence.shape[0], device=sequence.device)[:, None]
        hidden = sequence[rows, positions].flatten(0, 1)
        return self.masked_lm_logits(hidden).float().log_softmax(dim=-1)


class PretrainingModel(MaskedLMModel):
    """Encoder with both pretraining heads: masked LM and sentence order."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config, pooler=True)
        self.sentence_order = nn.Linear(config.hidden_size, 2)
        initialise(self.sentence_order, config.initializer_range)

    def forward(
        self, input_ids: Tensor, segment_ids: Tensor, layout: Layout, masked_positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Masked-LM logits (M, V) in the layers' precision, sentence-order logits (B, 2) in fp32.

        `masked_positions` (M,) index the batch's tokens laid end to end, padding included.
        """
        hidden, pooled, _ = self.encoder.encode(
            input_ids, segment_ids, layout, wanted=masked_positions
        )
        logits = self.masked_lm_logits(self.encoder.filled(hidden))[: len(hidden)]
        return logits, self.sentence_order(pooled)

    def sentence_order_log_probs(self, pooled: Tensor) -> Tensor:
        """Log-probabilities (B, 2) of 'in order' and 'swapped' from pooled vectors (B, H)."""
        log_probs: Tensor = self.sentence_order(pooled).log_softmax(dim=-1)
        return log_probs


class ClassificationModel(nn.Module):
    """Encoder and a classifier on the pooled vector. Source: the original's run_classifier.py."""

    def __init__(self, config: EncoderConfig, classes: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.classifier = Classifier(config, classes)
        initialise(self.classifier, config.initializer_range)

    def forward(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """Token ids (B, T) padded or (N,) packed to logits (B, C) in fp32."""
        nothing = input_ids.new_empty(0)  # of the tokens: the pooled vectors are enough
        pooled = self.encoder.encode(input_ids, segment_ids, layout, wanted=nothing).pooled
        logits: Tensor = self.classifier(pooled)
        return logits


class ChoiceModel(ClassificationModel):
    """One score for each choice, each being a sequence of its own. Source: run_race.py."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config, classes=1)

    def forward(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """Sequences (B, T) or (N,), a choice each, to their scores (B,) in fp32.

        The softmax is over the choices of one question, which lie side by side.
        """
        return super().forward(input_ids, segment_ids, layout).squeeze(-1)


class TaggingModel(nn.Module):
    """Encoder and a classifier on each token, as in transformers' token classification."""

    def __init__(self, config: EncoderConfig, classes: int, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, pooler)
        self.classifier = Classifier(config, classes)
        initialise(self.classifier, config.initializer_range)

    def forward(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """Token ids (B, T) or (N,) to logits (B, T, C) or (N, C) in fp32."""
        sequence = self.encoder.encode(input_ids, segment_ids, layout).sequence
        logits: Tensor = self.classifier(sequence)
        return logits


class SpanModel(nn.Module):
    """Encoder and two scores for each token, as start and as end. Source: run_squad_v1.py."""

    def __init__(self, config: EncoderConfig, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, pooler)
        self.span = nn.Linear(config.hidden_size, 2)
        initialise(self.span, config.initializer_range)

    def forward(self, input_ids: Tensor, segment_ids: Tensor | None, layout: Layout) -> Tensor:
        """Token ids (B, T) or (N,) to start and end logits (B, T, 2) or (N, 2) in fp32."""
        sequence = self.encoder.encode(input_ids, segment_ids, layout).sequence
        logits: Tensor = self.span(sequence.float())
        return logits


class AnswerableScores(NamedTuple):
    """Log-probabilities (B, T) of an answer's start, of its end given the right start, and the
    logit (B,) that there is none."""

    start_log_probs: Tensor
    end_log_probs: Tensor
    unanswerable: Tensor


class Beam(NamedTuple):
    """The S likeliest starts (B, S), the E likeliest ends of each (B, S, E), and the logit (B,)
    that there is no answer: log-probabilities and positions in the sequence."""

    start_log_probs: Tensor
    start_index: Tensor
    end_log_probs: Tensor
    end_index: Tensor
    unanswerable: Tensor


class AnswerableSpanModel(nn.Module):
    """Encoder and the head of SQuAD 2.0, which transformers does not have for ALBERT.

    Sequences are `[CLS] question [SEP] context [SEP]`, told apart by their segments. The head
    compares all tokens of a sequence, so packed ones are padded for it, behind the encoder.
    Source: run_squad_v2.py.
    """

    def __init__(self, config: EncoderConfig, pooler: bool = False) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config, pooler)
        self.answerable_span = AnswerableSpanHead(config)
        initialise(self.answerable_span, config.initializer_range)

    def forward(
        self, input_ids: Tensor, segment_ids: Tensor, layout: Layout, starts: Tensor
    ) -> AnswerableScores:
        """Token ids (B, T) or (N,) and the true starts (B,), as training has them, to scores."""
        head = self.answerable_span
        sequence, outside = self._padded(input_ids, segment_ids, layout)
        start_log_probs = head.start_log_probs(sequence, outside)
        end_log_probs = head.end_log_probs(sequence, outside, starts[:, None])[:, 0]
        unanswerable = head.unanswerable(sequence, start_log_probs)
        return AnswerableScores(start_log_probs, end_log_probs, unanswerable)

    def beam(
        self,
        input_ids: Tensor,
        segment_ids: Tensor,
        layout: Layout,
        starts: int = 5,
        ends: int = 5,
    ) -> Beam:
        """Token ids (B, T) or (N,) to the likeliest starts and the likeliest ends of each."""
        head = self.answerable_span
        sequence, outside = self._padded(input_ids, segment_ids, layout, max(starts, ends))
        start_log_probs = head.start_log_probs(sequence, outside)
        top = start_log_probs.topk(starts)
        end_top = head.end_log_probs(sequence, outside, top.indices).topk(ends)
        unanswerable = head.unanswerable(sequence, start_log_probs)
        return Beam(top.values, top.indices, end_top.values, end_top.indices, unanswerable)

    def _padded(
        self, input_ids: Tensor, segment_ids: Tensor, layout: Layout, width: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The last hidden states (B, T, H) in fp32, and where no answer can lie (B, T)."""
        sequence = self.encoder.encode(input_ids, segment_ids, layout).sequence.float()
        outside = answers_outside(layout.rectangle(segment_ids, 0, width))
        return layout.rectangle(sequence, 0.0, width), outside


Model = (
    Encoder
    | MaskedLMModel
    | PretrainingModel
    | ClassificationModel
    | ChoiceModel
    | TaggingModel
    | SpanModel
    | AnswerableSpanModel
)


class HeadKind(NamedTuple):
    """How the model of a head is built, and what it needs."""

    model: type[Model]
    build: Callable[[EncoderConfig, int, bool], Model]
    """From a configuration, the number of classes, and whether there is a pooler."""
    needs_pooler: bool


HEADS: dict[Head, HeadKind] = {
    "none": HeadKind(Encoder, lambda config, _, pooler: Encoder(config, pooler), False),
    "pretraining": HeadKind(PretrainingModel, lambda config, *_: PretrainingModel(config), True),
    "masked_lm": HeadKind(
        MaskedLMModel, lambda config, _, pooler: MaskedLMModel(config, pooler), False
    ),
    "classification": HeadKind(
        ClassificationModel, lambda config, classes, _: ClassificationModel(config, classes), True
    ),
    "choice": HeadKind(ChoiceModel, lambda config, *_: ChoiceModel(config), True),
    "tagging": HeadKind(TaggingModel, TaggingModel, False),
    "span": HeadKind(SpanModel, lambda config, _, pooler: SpanModel(config, pooler), False),
    "answerable_span": HeadKind(
        AnswerableSpanModel, lambda config, _, pooler: AnswerableSpanModel(config, pooler), False
    ),
}


def head_of(model: Model) -> Head:
    """Which head a model has."""
    return next(head for head, kind in HEADS.items() if type(model) is kind.model)


def encoder_of(model: Model) -> Encoder:
    """The encoder of a model, which may be one itself."""
    return model if isinstance(model, Encoder) else model.encoder
