"""Choice and replacement of the tokens to predict: spans of whole words, 80/10/10.

Source: the original's `create_masked_lm_predictions`. By default a span stays inside its segment,
is drawn among the lengths that fit there, and where it touches a chosen word becomes shorter
instead of being dropped; the original's ways are in `_choose_original`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from litebert.corpus.instances import InstanceSettings, Pieces

MASKED, KEPT = 0.8, 0.1  # the rest of the chosen tokens becomes random ones

Positions = NDArray[np.int64]


class Masking:
    """Masks instances by one set of settings and one vocabulary."""

    def __init__(self, settings: InstanceSettings, pieces: Pieces) -> None:
        self._settings = settings
        self._pieces = pieces
        weights = [1 / n for n in range(1, settings.ngram + 1)]
        self._weights = weights if settings.favor_shorter else weights[::-1]
        self._cumulative = [0.0, *accumulate(self._weights)]
        self._ones = [b"\1" * n for n in range(settings.ngram + 1)]
        original = settings.recipe == "original"
        self._random_ids = np.arange(len(pieces.word_starts)) if original else pieces.ordinary_ids

    def quota(self, length: int) -> int:
        """How many of an instance's `length` tokens are to be predicted."""
        wanted = max(1, round(self._settings.masked_fraction * length))
        limit = self._settings.max_predictions
        return wanted if limit is None else min(wanted, limit)

    def mask(
        self, ids: NDArray[np.int64], specials: Sequence[int], rng: np.random.Generator
    ) -> tuple[Positions, NDArray[np.int64]]:
        """Choose tokens of `ids` (T,) and replace them in place.

        `specials` are the positions of [CLS] and [SEP], ascending: first, (between,) last. Returns
        the chosen positions (M,), ascending, and the ids that stood there.
        """
        quota = self.quota(len(ids))
        original = self._settings.recipe == "original"
        choose = self._choose_original if original else self._choose_spans
        spans = sorted(choose(ids, specials, quota, rng))
        positions = np.array(list(chain.from_iterable(spans)), dtype=np.int64)
        labels = ids[positions]
        if self._settings.span_replacement:
            lengths = [len(span) for span in spans]
            fate = np.repeat(rng.random(len(spans)), lengths)
        else:
            fate = rng.random(len(positions))
        masked = fate < MASKED
        random = fate >= MASKED + KEPT
        ids[positions[masked]] = self._pieces.mask_id
        count = np.count_nonzero(random)
        if count:
            drawn = rng.integers(0, len(self._random_ids), count)
            ids[positions[random]] = self._random_ids[drawn]
        return positions, labels

    def _choose_spans(
        self,
        ids: NDArray[np.int64],
        specials: Sequence[int],
        quota: int,
        rng: np.random.Generator,
    ) -> list[list[int]]:
        """Spans of whole words, each within a segment, `quota` tokens in all."""
        starts = self._pieces.word_starts[ids]
        for special in specials:  # a special token stands alone, and a word starts after it
            starts[special : special + 2] = True
        bounds: list[int] = starts.nonzero()[0].tolist()
        covered = bytearray(len(bounds))
        stops = [bisect_left(bounds, special) for special in specials]
        for stop in stops:
            covered[stop] = 1
        draws = rng.random((2, len(bounds)))
        cumulative, longest = self._cumulative, self._settings.ngram
        spans: list[list[int]] = []
        left, between = quota, stops[1]
        for word, draw in zip(draws[0].argsort().tolist(), draws[1].tolist(), strict=True):
            if covered[word]:
                continue
            within = (between if word < between else stops[-1]) - word  # words to the segment's end
            aim = draw * cumulative[within if within < longest else longest]
            count = 1
            while aim >= cumulative[count]:
                count += 1
            taken = covered.find(1, word + 1, word + count)
            if taken >= 0:
                count = taken - word
            start = bounds[word]
            while count and bounds[word + count] - start > left:
                count -= 1
            if count:
                covered[word : word + count] = self._ones[count]
                span = list(range(start, bounds[word + count]))
                spans.append(span)
                left -= len(span)
                if not left:
                    break
        return spans

    def _choose_original(
        self,
        ids: NDArray[np.int64],
        specials: Sequence[int],
        quota: int,
        rng: np.random.Generator,
    ) -> list[list[int]]:
        """Spans as the original chooses them.

        They may straddle [SEP]; a continuation piece at the start of B joins A's last word; at the
        end of the text n is drawn as elsewhere; a span that touches a chosen one is dropped.
        """
        words: list[list[int]] = []
        starts = self._pieces.word_starts[ids].tolist()
        for position in range(len(ids)):
            if position in specials:
                continue
            if words and not starts[position]:
                words[-1].append(position)
            else:
                words.append([position])
        order = rng.permutation(len(words)).tolist()
        chances = np.array(self._weights) / sum(self._weights)
        counts = rng.choice(len(chances), len(words), p=chances) + 1
        spans: list[list[int]] = []
        covered: set[int] = set()
        for word, count in zip(order, counts.tolist(), strict=True):
            if len(covered) >= quota:
                break
            span = list(chain.from_iterable(words[word : word + count]))
            while len(covered) + len(span) > quota and count > 1:
                count -= 1
                span = list(chain.from_iterable(words[word : word + count]))
            if len(covered) + len(span) <= quota and covered.isdisjoint(span):
                spans.append(span)
                covered.update(span)
        return spans
