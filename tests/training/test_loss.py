import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llama_jax.training.loss import chunked_cross_entropy, cross_entropy

B, T, D, V = 3, 10, 8, 23


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    arrays = {
        "hidden": rng.normal(size=(B, T, D)).astype(np.float32),
        "output": rng.normal(size=(D, V)).astype(np.float32),
        "targets": rng.integers(0, V, size=(B, T)).astype(np.int32),
        "mask": rng.integers(0, 2, size=(B, T)).astype(np.int32),
    }
    return jax.tree.map(jnp.array, arrays)


def reference(logits, targets, mask, z_loss=0.0):
    """Token by token in float64."""
    logits, targets, mask = map(np.asarray, (logits, targets, mask))
    total = 0.0
    for index in np.ndindex(targets.shape):
        row = np.asarray(logits[index], np.float64)
        log_z = np.log(np.sum(np.exp(row - row.max()))) + row.max()
        total += mask[index] * (log_z - row[targets[index]] + z_loss * log_z**2)
    return total, mask.sum()


def reference_gradient(logits, targets, mask, z_loss=0.0):
    """d sum / d logits = mask (softmax (1 + 2 z log Z) - onehot), in float64."""
    logits = np.asarray(logits, np.float64)
    log_z = np.log(np.exp(logits).sum(-1, keepdims=True))
    softmax = np.exp(logits - log_z)
    onehot = np.eye(logits.shape[-1])[np.asarray(targets)]
    return np.asarray(mask)[..., None] * (softmax * (1 + 2 * z_loss * log_z) - onehot)


def test_worked_by_hand():
    logits = jnp.log(jnp.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]))
    total, count = cross_entropy(logits, jnp.array([0, 2]), jnp.array([1, 1]))
    assert total == pytest.approx(-np.log(0.5) - np.log(0.8), abs=1e-6)
    assert count == 2


def test_equal_logits_cost_log_v():
    total, count = cross_entropy(jnp.full((4, V), 7.0), jnp.arange(4), jnp.ones(4))
    assert total / count == pytest.approx(np.log(V), abs=1e-6)


@pytest.mark.parametrize("z_loss", [0.0, 0.1])
def test_against_float64(problem, z_loss):
    logits = problem["hidden"] @ problem["output"]
    targets, mask = problem["targets"], problem["mask"]
    total, count = cross_entropy(logits, targets, mask, z_loss)
    expected, expected_count = reference(logits, targets, mask, z_loss)
    assert total == pytest.approx(expected, rel=1e-6)
    assert count == expected_count
    gradient = jax.grad(lambda x: cross_entropy(x, targets, mask, z_loss)[0])(logits)
    expected = reference_gradient(logits, targets, mask, z_loss)
    np.testing.assert_allclose(gradient, expected, atol=2e-6)


def test_masks_may_be_weights_and_sums_add_up(problem):
    logits, targets = problem["hidden"] @ problem["output"], problem["targets"]
    weights = jnp.linspace(0, 2, B * T, dtype=jnp.float32).reshape(B, T)
    total, count = cross_entropy(logits, targets, weights)
    assert total == pytest.approx(reference(logits, targets, weights)[0], rel=1e-6)
    parts = [cross_entropy(logits[i], targets[i], weights[i]) for i in range(B)]
    assert sum(float(p[0]) for p in parts) == pytest.approx(float(total), rel=1e-6)
    assert sum(float(p[1]) for p in parts) == pytest.approx(float(count), rel=1e-6)


def test_what_stands_at_masked_places_does_not_matter(problem):
    logits = problem["hidden"] @ problem["output"]
    targets, mask = problem["targets"], problem["mask"]
    spoiled = jnp.where(mask[..., None] == 1, logits, jnp.nan)
    wrong = jnp.where(mask == 1, targets, 10**6)

    def loss(logits, targets):
        return cross_entropy(logits, targets, mask)[0]

    value, gradient = jax.value_and_grad(loss)(logits, targets)
    spoiled_value, spoiled_gradient = jax.value_and_grad(loss)(spoiled, wrong)
    assert value == spoiled_value
    np.testing.assert_array_equal(gradient, spoiled_gradient)


@pytest.mark.parametrize("wrong", [10**6, -1, -100])
def test_chunks_do_not_look_at_masked_places_either(problem, wrong):
    hidden, mask, output, targets = (problem[name] for name in sorted(problem))

    def loss(hidden, output, targets):
        return chunked_cross_entropy(hidden, output, targets, mask, 4)[0]

    run = jax.value_and_grad(loss, (0, 1))
    expected = run(hidden, output, targets)
    spoiled = jnp.where(mask[..., None] == 1, hidden, jnp.nan)
    found = run(spoiled, output, jnp.where(mask == 1, targets, wrong))
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_a_shift_of_all_logits_changes_nothing_even_a_large_one(problem):
    logits = problem["hidden"] @ problem["output"]
    plain = cross_entropy(logits, problem["targets"], problem["mask"])[0]
    shifted = cross_entropy(logits + 1e4, problem["targets"], problem["mask"])[0]
    assert shifted == pytest.approx(float(plain), rel=1e-3)  # 1e4 has 1e-3 spacing in float32


@pytest.mark.parametrize(("chunk", "z_loss"), [(1, 0.0), (3, 0.1), (5, 0.0), (64, 0.1)])
def test_chunked_equals_plain_with_gradients(problem, chunk, z_loss):
    targets, mask = problem["targets"], problem["mask"]

    def plain(hidden, output):
        logits = jnp.einsum("BTD,DV->BTV", hidden, output)
        return cross_entropy(logits, targets, mask, z_loss)

    def chunked(hidden, output):
        return chunked_cross_entropy(hidden, output, targets, mask, chunk, z_loss)

    arguments = problem["hidden"], problem["output"]
    (a, m), plain_gradients = jax.value_and_grad(plain, (0, 1), has_aux=True)(*arguments)
    (b, n), gradients = jax.value_and_grad(chunked, (0, 1), has_aux=True)(*arguments)
    assert m == n == mask.sum()
    assert b == pytest.approx(float(a), rel=1e-6)
    for gradient, expected in zip(gradients, plain_gradients, strict=True):
        scale = float(jnp.abs(expected).max())
        np.testing.assert_allclose(gradient, expected, atol=1e-6 * scale)


@pytest.mark.parametrize(
    ("batch", "length", "chunk"), [(1, 1, 1), (2, 7, 2), (3, 8, 4), (1, 12, 13)]
)
def test_chunked_against_float64(batch, length, chunk):
    rng = np.random.default_rng(batch * 1000 + length * 20 + chunk)
    hidden = rng.normal(size=(batch, length, D)).astype(np.float32)
    output = rng.normal(size=(D, V)).astype(np.float32)
    targets = rng.integers(0, V, size=(batch, length)).astype(np.int32)
    mask = rng.integers(0, 2, size=(batch, length)).astype(np.int32)
    arrays = map(jnp.array, (hidden, output, targets, mask))
    total, count = chunked_cross_entropy(*arrays, chunk)
    expected, expected_count = reference(hidden @ output, targets, mask)
    assert total == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert count == expected_count


def largest_array(jaxpr):
    """Elements of the largest array that any equation makes, inner programs included."""
    largest = 0
    for equation in jaxpr.eqns:
        largest = max([largest, *(v.aval.size for v in equation.outvars)])
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                largest = max(largest, largest_array(inner))
    return largest


def test_the_chunked_loss_never_holds_all_logits():
    length, vocabulary, chunk = 32, 1000, 4
    hidden, output = jnp.ones((2, length, D)), jnp.ones((D, vocabulary))
    targets = mask = jnp.ones((2, length), jnp.int32)

    def chunked(hidden, output):
        return chunked_cross_entropy(hidden, output, targets, mask, chunk)[0]

    def plain(hidden, output):
        return cross_entropy(hidden @ output, targets, mask)[0]

    def peak(function):
        return largest_array(jax.make_jaxpr(jax.grad(function, (0, 1)))(hidden, output).jaxpr)

    assert peak(plain) == 2 * length * vocabulary
    assert peak(chunked) == max(2 * chunk * vocabulary, D * vocabulary)


def test_bfloat16_states_give_a_float32_loss(problem):
    hidden = jnp.array(problem["hidden"], jnp.bfloat16)
    output = jnp.array(problem["output"], jnp.bfloat16)
    total, count = chunked_cross_entropy(hidden, output, problem["targets"], problem["mask"], 4)
    logits = np.asarray(hidden, np.float64) @ np.asarray(output, np.float64)
    assert total.dtype == count.dtype == jnp.float32
    assert total == pytest.approx(reference(logits, problem["targets"], problem["mask"])[0], 1e-5)
