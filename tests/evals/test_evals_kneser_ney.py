"""The n-gram baseline beside a slow one that is written with dicts, from the paper's formulas."""

import collections

import numpy as np
import pytest

from llama_jax.evals.kneser_ney import kneser_ney_bits


class Slow:
    """p(w | h) by recursion over orders."""

    def __init__(self, train, vocab_size, order):
        self.V, self.N = vocab_size, order
        grams = {
            n: collections.Counter(tuple(train[i : i + n]) for i in range(len(train) - n + 1))
            for n in range(1, order + 1)
        }
        self.counts = {order: grams[order]}
        for n in range(1, order):
            self.counts[n] = collections.Counter(gram[1:] for gram in grams[n + 1])
        self.discounts = {n: self.discount(c) for n, c in self.counts.items()}

    @staticmethod
    def discount(counts):
        of = collections.Counter(counts.values())
        if not (of[1] and of[2] and of[3]):
            return {1: 0.5, 2: 0.5, 3: 0.5}
        y = of[1] / (of[1] + 2 * of[2])
        found = {
            1: 1 - 2 * y * of[2] / of[1],
            2: 2 - 3 * y * of[3] / of[2],
            3: 3 - 4 * y * of[4] / of[3],
        }
        return {k: min(max(d, 0.1), k) for k, d in found.items()}

    def probability(self, word, history):
        history = tuple(history)
        if len(history) >= self.N:
            history = history[len(history) - self.N + 1 :]
        n = len(history) + 1
        lower = 1 / self.V if n == 1 else self.probability(word, history[1:])
        counts = self.counts[n]
        after = {g[-1]: c for g, c in counts.items() if g[:-1] == history}
        if not after:
            return lower
        total, d = sum(after.values()), self.discounts[n]
        count = after.get(word, 0)
        rest = sum(d[min(c, 3)] for c in after.values())
        return (count - (d[min(count, 3)] if count else 0)) / total + rest / total * lower


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_equals_the_formulas(order):
    draw = np.random.default_rng(order)
    train = np.minimum(draw.geometric(0.3, 300), 9)
    test = np.minimum(draw.geometric(0.3, 40), 10)
    slow, text = Slow(train.tolist(), 12, order), [*train.tolist(), *test.tolist()]
    expected = [
        -np.log2(slow.probability(text[i], text[max(0, i - order + 1) : i]))
        for i in range(len(train), len(text))
    ]
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(kneser_ney_bits(train, test, 12, order), expected, rtol=1e-12)


def test_probabilities_of_all_words_sum_to_one():
    draw = np.random.default_rng(0)
    train = draw.integers(0, 6, 200)
    for context in ([0, 1, 2], [5, 5, 5]):
        last = [kneser_ney_bits(train, np.array([*context, word]), 8, 3)[-1] for word in range(8)]
        np.testing.assert_allclose(np.sum(2.0 ** -np.array(last)), 1, rtol=1e-12)
