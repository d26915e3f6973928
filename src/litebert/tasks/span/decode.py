"""From scores of windows to answers: n-best lists, and the odds of there being none.

Source: accumulate_predictions and write_predictions, v1 and v2, of the original's squad_utils.py.
Shape letters: T tokens of a window (or more, where its scores were padded), S starts that were
followed, E ends of each.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litebert.tasks.span.windows import Window

N_BEST = 20
MAX_ANSWER_LENGTH = 30
_LARGE_ODDS = 1_000_000.0  # a question without windows has no answer

FloatArray = NDArray[np.floating]
Pair = tuple[float, float]
Found = dict[tuple[int, int], list[Pair]]  # by first and last token of the window's context


@dataclass(frozen=True)
class SpanScores:
    """The logits of one window: how well each token starts (T,) and ends (T,) the answer."""

    start: FloatArray
    end: FloatArray


@dataclass(frozen=True)
class BeamScores:
    """The beam of one window, log-probabilities and positions: starts (S,), their ends (S, E).

    `unanswerable` is the logit that the window holds no answer. Ends may come flat, (S * E,).
    """

    start_log_probs: FloatArray
    start_index: NDArray[np.integer]
    end_log_probs: FloatArray
    end_index: NDArray[np.integer]
    unanswerable: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer: its text, where in the context it stands, its scores and its share of belief.

    `span` is None, and the text a stand-in, where no span was allowed at all.
    """

    text: str
    probability: float
    start_score: float
    end_score: float
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one question, best first, and the logit that it has none (SQuAD 2.0)."""

    candidates: list[Candidate]
    null_odds: float | None = None

    @property
    def text(self) -> str:
        """The best answer's text."""
        return self.candidates[0].text


def decode_spans(
    context: str,
    windows: Sequence[Window],
    models: Sequence[Sequence[SpanScores]],
    n_best: int = N_BEST,
    max_answer_length: int = MAX_ANSWER_LENGTH,
) -> Answers:
    """The answers of a SQuAD 1.1 question; `models` has for each model the scores by window.

    From each window the `n_best` starts and ends are paired; a pair counts where it lies in the
    context, starts where the window has most context, and has at most `max_answer_length` tokens.
    Models are averaged over those that propose a pair. A question without any gets "empty".
    """
    found: list[Found] = [{} for _ in windows]
    for scores in models:
        for pairs, window, values in zip(found, windows, scores, strict=True):
            starts, ends = _best(values.start, n_best), _best(values.end, n_best)
            grid = np.broadcast_to(ends, (len(starts), len(ends)))
            for i, j in _allowed(window, starts, grid, max_answer_length):
                first, last = int(starts[i]), int(ends[j])
                score = float(values.start[first]), float(values.end[last])
                pairs.setdefault((first, last), []).append(score)
    return Answers(_n_best(context, windows, found, n_best, Candidate("empty", 1, 0, 0, None)))


def decode_answerable(
    context: str,
    windows: Sequence[Window],
    models: Sequence[Sequence[BeamScores]],
    n_best: int = N_BEST,
    max_answer_length: int = MAX_ANSWER_LENGTH,
) -> Answers:
    """The answers of a SQuAD 2.0 question from beams, and the odds that it has none.

    As `decode_spans`. The odds are the least of the windows' logits, averaged over the models; a
    question without any allowed span gets "". Whether to answer is left to a threshold.
    """
    found: list[Found] = [{} for _ in windows]
    odds = []
    for scores in models:
        for pairs, window, beam in zip(found, windows, scores, strict=True):
            starts = np.asarray(beam.start_index)
            ends = np.asarray(beam.end_index).reshape(len(starts), -1)
            log_probs = np.asarray(beam.end_log_probs).reshape(ends.shape)
            for i, j in _allowed(window, starts, ends, max_answer_length):
                score = float(beam.start_log_probs[i]), float(log_probs[i, j])
                pairs.setdefault((int(starts[i]), int(ends[i, j])), []).append(score)
        odds.append(min((float(beam.unanswerable) for beam in scores), default=_LARGE_ODDS))
    nothing = Candidate("", 1, -1e6, -1e6, None)
    candidates = _n_best(context, windows, found, n_best, nothing)
    return Answers(candidates, sum(odds) / len(odds))


def _best(scores: FloatArray, count: int) -> NDArray[np.intp]:
    """The positions of the `count` highest scores, best first, the earlier one on a tie."""
    return np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:count]


def _allowed(
    window: Window, starts: NDArray[np.integer], ends: NDArray[np.integer], longest: int
) -> Iterable[tuple[int, int]]:
    """Which pairs of starts (S,) and ends (S, E) may be an answer, in their order."""
    after = window.offset + len(window.spans)
    in_context = (starts >= window.offset) & (starts < after)
    best_here = np.asarray(window.max_context)[np.where(in_context, starts, 0)]
    lengths = ends - starts[:, None] + 1
    allowed = (in_context & best_here)[:, None] & (ends < after) & (lengths >= 1)
    rows, columns = np.nonzero(allowed & (lengths <= longest))
    return zip(rows.tolist(), columns.tolist(), strict=True)


def _n_best(
    context: str,
    windows: Sequence[Window],
    found: Sequence[Found],
    count: int,
    fallback: Candidate,
) -> list[Candidate]:
    """The best pairs of all windows, each text once."""
    rated = []
    for window, pairs in zip(windows, found, strict=True):
        for (first, last), scores in pairs.items():
            start = sum(score for score, _ in scores) / len(scores)
            end = sum(score for _, score in scores) / len(scores)
            span = window.spans[first - window.offset][0], window.spans[last - window.offset][1]
            rated.append((start, end, span))
    rated.sort(key=lambda entry: entry[0] + entry[1], reverse=True)
    chosen: dict[str, tuple[float, float, tuple[int, int]]] = {}
    for entry in rated:
        if len(chosen) == count:
            break
        chosen.setdefault(context[slice(*entry[2])].strip(), entry)
    if not chosen:
        return [fallback]
    shares = _softmax([start + end for start, end, _ in chosen.values()])
    return [
        Candidate(text, share, *entry)
        for share, (text, entry) in zip(shares, chosen.items(), strict=True)
    ]


def _softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    weights = [math.exp(score - highest) for score in scores]
    total = sum(weights)
    return [weight / total for weight in weights]
