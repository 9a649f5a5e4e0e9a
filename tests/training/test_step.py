import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference import numpy_llama

from llama_jax.config import LlamaConfig
from llama_jax.data.packing import Rows, pack
from llama_jax.model import decoder
from llama_jax.training.optimizer import OptimizerConfig, make_optimizer
from llama_jax.training.step import (
    StepOptions,
    compile_eval_step,
    compile_train_step,
    init_state,
    summed_loss,
)

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 64, 1e-5)
OPTIMIZER = make_optimizer(OptimizerConfig(peak_learning_rate=1e-2, steps=50, warmup_steps=5))


@pytest.fixture(scope="module")
def documents():
    rng = np.random.default_rng(0)
    return [rng.integers(3, 64, size=n).astype(np.int32) for n in (7, 5, 4, 9, 3, 6)]


@pytest.fixture(scope="module")
def batch(documents):
    """Three rows, the last partly padded, and a row of nothing but padding."""
    rows = pack(documents, 12)
    return as_jax(Rows(*(np.pad(array, ((0, 1), (0, 0))) for array in rows)))


def as_jax(rows):
    return Rows(*map(jnp.array, rows))


@pytest.fixture(scope="module")
def params():
    """Larger than a fresh initialisation, so that no gradient is near zero."""
    scaled = decoder.init(jax.random.key(1), CONFIG)
    return jax.tree.map(lambda p: p * 4 if p.ndim > 1 else p, scaled)


def summed(params, batch, config=CONFIG, **options):
    return jitted_loss(params, batch, config, StepOptions(**options))


jitted_loss = jax.jit(summed_loss, static_argnums=(2, 3))
value_and_grad = jax.jit(jax.value_and_grad(summed_loss, has_aux=True), static_argnums=(2, 3))


@pytest.fixture(scope="module")
def step():
    """Compiled once for all tests of this module; it takes the memory of its state."""
    return compile_train_step(CONFIG, OPTIMIZER)


@pytest.fixture(scope="module")
def evaluate():
    return compile_eval_step(CONFIG, StepOptions(z_loss=0.1))


def state_with(params):
    state = init_state(jax.random.key(0), CONFIG, OPTIMIZER)
    return state._replace(params=jax.tree.map(jnp.copy, params))


def reference_loss(params, batch, config=CONFIG):
    """Sum of the loss in float64, row by row, with the attention mask spelled out."""
    total = 0.0
    for tokens, targets, segments, positions, mask in zip(*map(np.asarray, batch), strict=True):
        allowed = np.tril(segments[:, None] == segments[None, :])
        logits = numpy_llama.logits(params, config, tokens, positions=positions, mask=allowed)
        log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        total -= (mask * log_p[np.arange(len(tokens)), targets]).sum()
    return total


def test_the_loss_against_float64(params, batch):
    total, count = summed(params, batch)
    assert count == batch.loss_mask.sum()
    assert total == pytest.approx(reference_loss(params, batch), rel=1e-5)


@pytest.mark.parametrize(
    ("path", "index"),
    [
        (("embedding",), (20, 3)),
        (("layers", "attention", "query"), (1, 3, 2, 5)),
        (("layers", "attention", "key"), (0, 8, 1, 2)),
        (("layers", "feed_forward", "down"), (1, 4, 4)),
        (("layers", "attention_norm", "scale"), (0, 6)),
        (("output",), (5, 40)),
    ],
)
def test_gradients_against_finite_differences_in_float64(params, batch, path, index):
    gradient = value_and_grad(params, batch, CONFIG, StepOptions())[1]
    for name in path:
        gradient = gradient[name]

    def shifted(by):
        moved = jax.tree.map(lambda p: np.array(p, np.float64), params)
        leaf = moved
        for name in path:
            leaf = leaf[name]
        leaf[index] += by
        return reference_loss(moved, batch)

    expected = (shifted(1e-5) - shifted(-1e-5)) / 2e-5
    assert float(gradient[index]) == pytest.approx(expected, rel=2e-3, abs=1e-5)


def test_remat_and_chunks_change_neither_loss_nor_gradient(params, batch):
    (value, _), gradient = value_and_grad(params, batch, CONFIG, StepOptions())
    other = StepOptions(remat="full", chunk=5)
    (again, _), other_gradient = value_and_grad(params, batch, CONFIG, other)
    assert again == pytest.approx(float(value), rel=1e-6)
    for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(other_gradient), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6 * float(jnp.abs(a).max()))


def test_chunks_with_tied_embeddings_against_float64(params, batch):
    tied = dataclasses.replace(CONFIG, tied_embeddings=True)
    without = {name: value for name, value in params.items() if name != "output"}
    total, _ = summed(without, batch, config=tied, chunk=5)
    assert total == pytest.approx(reference_loss(without, batch, tied), rel=1e-5)


def test_packed_documents_cost_what_they_cost_alone(params, documents):
    """No document sees another; 34 tokens in one row, so that none is cut."""
    packed = summed(params, as_jax(pack(documents, 34)))
    alone = [summed(params, as_jax(pack([document], 34))) for document in documents]
    assert packed[1] == sum(count for _, count in alone)
    assert packed[0] == pytest.approx(float(sum(total for total, _ in alone)), rel=1e-5)


def test_the_order_of_rows_does_not_change_the_loss(params, batch):
    turned = Rows(*(array[::-1] for array in batch))
    assert summed(params, turned)[0] == pytest.approx(float(summed(params, batch)[0]), rel=1e-6)


def test_what_stands_in_padding_does_not_matter(params, batch, step):
    rng = np.random.default_rng(5)
    padding = np.asarray(batch.segment_ids) == 0
    other = np.where(padding, rng.integers(0, 64, size=padding.shape), batch.tokens)
    spoiled = batch._replace(tokens=jnp.array(other, jnp.int32))
    assert padding.sum() == 14
    a, b = (step(state_with(params), rows) for rows in (batch, spoiled))
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_what_a_step_measures(params, batch, step):
    (loss, count), gradient = value_and_grad(params, batch, CONFIG, StepOptions())
    gradient = jax.tree.map(lambda g: g / count, gradient)
    norms = [
        np.sqrt(sum(float((np.asarray(x, np.float64) ** 2).sum()) for x in jax.tree.leaves(tree)))
        for tree in (gradient, params)
    ]
    after, metrics = step(state_with(params), batch)
    names = {"loss", "tokens", "gradient_norm", "parameter_norm", "learning_rate"}
    groups = {"embedding", "attention", "feed_forward", "norms", "output"}
    assert set(metrics) == names | {f"gradient_norm.{group}" for group in groups}
    assert metrics["loss"] == pytest.approx(float(loss / count), rel=1e-6)
    assert metrics["tokens"] == count
    assert metrics["gradient_norm"] == pytest.approx(norms[0], rel=1e-5)
    assert metrics["parameter_norm"] == pytest.approx(norms[1], rel=1e-5)
    assert metrics["learning_rate"] == 0
    assert after.step == 1
    assert step(after, batch)[1]["learning_rate"] == pytest.approx(1e-2 / 5, rel=1e-6)


def test_a_batch_without_targets_has_loss_zero(batch, step):
    empty = batch._replace(loss_mask=jnp.zeros_like(batch.loss_mask))
    metrics = step(init_state(jax.random.key(0), CONFIG, OPTIMIZER), empty)[1]
    assert (metrics["loss"], metrics["tokens"], metrics["gradient_norm"]) == (0, 0, 0)


def test_the_z_loss_is_in_training_and_not_in_evaluation(params, batch, evaluate):
    plain = float(summed(params, batch)[0])
    assert summed(params, batch, z_loss=0.1)[0] > plain + 1
    assert evaluate(params, batch)[0] == pytest.approx(plain, rel=1e-6)


def test_the_loss_falls_on_repetitive_text(step, evaluate):
    """Leaves that shared a buffer could not be donated: optax must not alias the moments."""
    text = np.tile(np.array([5, 9, 33, 12, 60, 7, 21], np.int32), 6)
    rows = as_jax(pack([np.concatenate([[1], text, [2]])], 12))
    first = state = init_state(jax.random.key(0), CONFIG, OPTIMIZER)
    losses = []
    for _ in range(50):
        state, metrics = step(state, rows)
        losses.append(float(metrics["loss"]))
    assert losses[0] == pytest.approx(np.log(64), abs=0.1)
    assert losses[-1] < 0.5
    assert state.step == 50
    assert first.params["embedding"].is_deleted()
    total, count = evaluate(state.params, rows)
    assert total / count < losses[-1]


def test_every_step_of_these_tests_was_the_same_program(step):
    assert step._cache_size() == 1


def test_the_same_key_gives_the_same_state():
    states = [init_state(jax.random.key(3), CONFIG, OPTIMIZER) for _ in range(2)]
    for a, b in zip(*map(jax.tree.leaves, states), strict=True):
        np.testing.assert_array_equal(a, b)
