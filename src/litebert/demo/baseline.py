"""Two baselines for a text classification: the most frequent class, and a bag of words.

The bag of words is a multinomial logistic regression on weighted word counts, the method to beat
where labels are few: sublinear tf-idf in the form scikit-learn made usual, an L2 penalty, solved
to its optimum. Shape letters: B texts, V words, C classes.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

_WORD = re.compile(r"\b\w\w+\b")


def majority_class(labels: Sequence[str]) -> str:
    """The most frequent label, the first by its characters on a tie."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


@dataclass(frozen=True)
class WordWeights:
    """Turns a text into its row of weighted word counts: (1 + ln tf) · idf, of length one."""

    columns: dict[str, int]
    rarity: NDArray[np.float64]  # (V,) ln((1 + texts) / (1 + texts with the word)) + 1

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Learn the words of the texts and how rare each is."""
        found = Counter(word for text in texts for word in set(_words(text)))
        words = sorted(found)
        counts = np.array([found[word] for word in words], dtype=np.float64)
        rarity = np.log((1 + len(texts)) / (1 + counts)) + 1
        return cls({word: i for i, word in enumerate(words)}, rarity)

    def rows(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(B, V) weights; words not seen in fitting are left out."""
        rows = np.zeros((len(texts), len(self.columns)))
        for row, text in zip(rows, texts, strict=True):
            for word, count in Counter(_words(text)).items():
                if word in self.columns:
                    row[self.columns[word]] = 1 + np.log(count)
        rows *= self.rarity
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths == 0, 1, lengths)


@dataclass(frozen=True)
class BagOfWords:
    """A fitted multinomial logistic regression on weighted words."""

    labels: tuple[str, ...]
    weights: WordWeights
    coefficients: NDArray[np.float64]  # (V, C)
    intercepts: NDArray[np.float64]  # (C,)

    @classmethod
    def fit(
        cls, texts: Sequence[str], labels: Sequence[str], inverse_penalty: float = 10.0
    ) -> Self:
        """Minimise inverse_penalty · Σ cross-entropy + ½ ‖coefficients‖²; intercepts are free."""
        classes = tuple(sorted(set(labels)))
        weights = WordWeights.fit(texts)
        rows = torch.from_numpy(weights.rows(texts))
        targets = torch.tensor([classes.index(label) for label in labels])
        coefficients = torch.zeros(rows.shape[1], len(classes), dtype=torch.float64)
        intercepts = torch.zeros(len(classes), dtype=torch.float64)
        parameters = [coefficients.requires_grad_(), intercepts.requires_grad_()]
        solver = torch.optim.LBFGS(
            parameters, max_iter=500, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
        )

        def loss() -> torch.Tensor:
            solver.zero_grad()
            logits = rows @ coefficients + intercepts
            misfit = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
            value = inverse_penalty * misfit + 0.5 * coefficients.square().sum()
            value.backward()  # type: ignore[no-untyped-call]
            return value

        solver.step(loss)  # type: ignore[no-untyped-call]
        return cls(classes, weights, coefficients.detach().numpy(), intercepts.detach().numpy())

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(B, C) the probability of each label, in the order of `labels`."""
        logits = self.weights.rows(texts) @ self.coefficients + self.intercepts
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return result

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.labels[i] for i in self.probabilities(texts).argmax(axis=1)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
