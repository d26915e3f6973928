import numpy as np
import pytest

from litebert.demo.baseline import BagOfWords, WordWeights, majority_class

LABELS = ["cats", "dogs", "fish"]
WORDS = {
    "cats": ["purr", "whisker", "mouse", "sleep"],
    "dogs": ["bark", "bone", "sleep", "run"],
    "fish": ["swim", "water", "bone", "scale"],
}


@pytest.fixture
def examples() -> tuple[list[str], list[str]]:
    draw = np.random.default_rng(0)
    labels = [LABELS[i % 3] for i in range(60)]
    texts = [
        " ".join(draw.choice([*WORDS[label], "the", "and", "with"], size=9)) for label in labels
    ]
    return texts, labels


def test_the_majority_class_is_the_most_frequent():
    assert majority_class(["b", "a", "b", "c"]) == "b"
    assert majority_class(["b", "a"]) == "a"


def test_word_weights_equal_scikit_learns(examples):
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, _ = examples
    theirs = TfidfVectorizer(sublinear_tf=True).fit(texts[:40])
    ours = WordWeights.fit(texts[:40])
    assert list(ours.columns) == theirs.get_feature_names_out().tolist()
    new = [*texts[40:], "nothing known here", ""]
    np.testing.assert_allclose(ours.rows(new), theirs.transform(new).toarray(), atol=1e-12)


@pytest.mark.parametrize("inverse_penalty", [0.1, 10.0])
def test_probabilities_equal_scikit_learns(examples, inverse_penalty):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts, labels = examples
    vectors = TfidfVectorizer(sublinear_tf=True).fit(texts[:40])
    theirs = LogisticRegression(C=inverse_penalty, tol=1e-8, max_iter=2000)
    theirs.fit(vectors.transform(texts[:40]), labels[:40])
    ours = BagOfWords.fit(texts[:40], labels[:40], inverse_penalty)
    assert ours.labels == tuple(theirs.classes_)
    expected = theirs.predict_proba(vectors.transform(texts[40:]))
    np.testing.assert_allclose(ours.probabilities(texts[40:]), expected, atol=1e-4)


def test_it_learns_to_tell_the_classes_apart(examples):
    texts, labels = examples
    model = BagOfWords.fit(texts[:40], labels[:40])
    correct = sum(a == b for a, b in zip(model.predict(texts[40:]), labels[40:], strict=True))
    assert correct >= 18
