import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from llama_jax.inference import sampling

filter_top_k = jax.jit(sampling.filter_top_k)
filter_top_p = jax.jit(sampling.filter_top_p)
row_keys = jax.jit(sampling.row_keys)
sample = jax.jit(sampling.sample)

LOGITS = arrays.arrays(
    np.float32,
    st.tuples(st.just(2), st.just(7)),
    elements=st.integers(-12, 12).map(lambda n: n / 4),  # with ties
)


def kept(filtered):
    return np.isfinite(np.asarray(filtered))


def top_p_reference(logits, top_p):
    """Kept ids of one row in float64, and how close any decision was."""
    probabilities = np.exp(logits.astype(np.float64))
    probabilities /= probabilities.sum()
    order = sorted(range(len(logits)), key=lambda token: (-logits[token], token))
    keep, before, margin = np.zeros(len(logits), bool), 0.0, 1.0
    for rank, token in enumerate(order):
        keep[token] = rank == 0 or before <= top_p or top_p >= 1
        margin = min(margin, abs(before - top_p)) if rank else margin
        before += probabilities[token]
    return keep, margin


def sorted_top_k(logits, top_k):
    """Top-k as its definition says, by sorting."""
    return logits >= np.sort(logits)[-min(top_k, len(logits))] if top_k else logits == logits


def sorted_top_p(logits, top_p):
    """Top-p by sorting and float32 sums: a plain reference for what bisection keeps."""
    order = jnp.argsort(logits, stable=True, descending=True)
    probabilities = jax.nn.softmax(logits[order])
    before = jnp.cumsum(probabilities) - probabilities
    keep = ((before <= top_p) | (top_p >= 1)).at[0].set(True)
    return jnp.zeros(logits.shape, bool).at[order].set(keep)


def test_top_k_by_hand():
    logits = jnp.log(jnp.array([[0.1, 0.4, 0.2, 0.3]] * 4))
    assert kept(filter_top_k(logits, jnp.array([0, 1, 2, 9]))).tolist() == [
        [True, True, True, True],
        [False, True, False, False],
        [False, True, False, True],
        [True, True, True, True],
    ]


def test_top_k_keeps_ties_with_the_last():
    logits = jnp.array([[1.0, 3.0, 2.0, 2.0]])
    assert kept(filter_top_k(logits, jnp.array([2]))).tolist() == [[False, True, True, True]]


def test_top_p_keeps_the_id_that_crosses_the_line():
    # In falling order 0.4 0.3 0.2 0.1; probability before each: 0 0.4 0.7 0.9.
    logits = jnp.log(jnp.array([[0.1, 0.4, 0.2, 0.3]] * 5))
    top_p = jnp.array([0.0, 0.39, 0.41, 0.75, 1.0])
    assert kept(filter_top_p(logits, top_p)).tolist() == [
        [False, True, False, False],
        [False, True, False, False],
        [False, True, False, True],
        [False, True, True, True],
        [True, True, True, True],
    ]


def test_top_p_boundary_is_inclusive_and_the_lower_of_equal_ids_comes_first():
    logits = jnp.zeros((2, 4))  # 0.25 each, exactly
    assert kept(filter_top_p(logits, jnp.array([0.25, 0.2]))).tolist() == [
        [True, True, False, False],
        [True, False, False, False],
    ]


def test_top_p_of_one_keeps_the_tail_that_rounding_would_drop():
    logits = jnp.linspace(0, -30, 50_000)[None]
    assert kept(filter_top_p(logits, jnp.ones(1))).all()


@settings(max_examples=60, deadline=None)
@given(LOGITS, st.integers(0, 9))
def test_top_k_against_numpy(logits, k):
    expected = logits >= np.sort(logits, axis=-1)[:, [-min(k, 7)]] if k else logits < np.inf
    found = filter_top_k(jnp.asarray(logits), jnp.full(2, k, jnp.int32))
    assert kept(found).tolist() == expected.tolist()
    assert np.array_equal(np.asarray(found)[expected], logits[expected])


@settings(max_examples=60, deadline=None)
@given(LOGITS, st.floats(0, 1, width=32))
def test_top_p_against_float64(logits, top_p):
    rows = [top_p_reference(row, top_p) for row in logits]
    assume(all(margin > 1e-5 for _, margin in rows))
    found = filter_top_p(jnp.asarray(logits), jnp.full(2, top_p, jnp.float32))
    assert kept(found).tolist() == [keep.tolist() for keep, _ in rows]


@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("rounded", [False, True])
def test_a_whole_vocabulary_is_filtered_as_by_sorting(scale, rounded):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, scale, (6, 32_000)).astype(np.float32)
    if rounded:
        logits = np.round(logits * 4) / 4  # hundreds of ids tie
    logits[0, :31_000] = -np.inf
    top_k = np.array([0, 1, 50, 1000, 31_999, 40_000], np.int32)
    found = kept(filter_top_k(logits, top_k))
    for row, k, keep in zip(logits[1:], top_k[1:], found[1:], strict=True):
        assert np.array_equal(keep, sorted_top_k(row, k))
    top_p = np.array([0.5, 0.0, 0.1, 0.95, 0.999, 1.0], np.float32)
    found = kept(filter_top_p(logits, top_p))
    for row, p, keep in zip(logits, top_p, found, strict=True):
        # The sums differ by their rounding: ids that stand within it of the line may differ.
        differ = keep != np.asarray(sorted_top_p(row, p))
        weights = np.exp(row.astype(np.float64) - row.max())
        assert weights[differ].sum() < 1e-4 * weights.sum()
        assert p >= 1 or keep.sum() < 32_000


def draw(logits, count, *, temperature=1.0, top_k=0, top_p=1.0, seed=0):
    rows = jnp.broadcast_to(jnp.asarray(logits, jnp.float32), (count, len(logits)))
    keys = row_keys(jnp.full(count, seed, jnp.uint32), jnp.arange(count, dtype=jnp.int32))
    settings = jnp.full(count, temperature), jnp.full(count, top_k), jnp.full(count, top_p)
    return np.asarray(sample(rows, keys, *settings))


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [0.05, 0.4, 0.2, 0.25, 0.1]),
        ({"temperature": 0.5}, [0.05**2, 0.4**2, 0.2**2, 0.25**2, 0.1**2]),
        ({"temperature": 2.0}, [0.05**0.5, 0.4**0.5, 0.2**0.5, 0.25**0.5, 0.1**0.5]),
        ({"top_k": 2}, [0, 0.4, 0, 0.25, 0]),
        ({"top_p": 0.5}, [0, 0.4, 0, 0.25, 0]),
        # top-k first: of 0.4/0.85, 0.25/0.85, 0.2/0.85 the first two hold 0.76.
        ({"top_k": 3, "top_p": 0.75}, [0, 0.4, 0, 0.25, 0]),
        ({"temperature": 2.0, "top_k": 3}, [0, 0.4**0.5, 0.2**0.5, 0.25**0.5, 0]),
    ],
)
def test_frequencies_follow_the_distribution(options, weights):
    count = 8000
    found = np.bincount(draw(np.log([0.05, 0.4, 0.2, 0.25, 0.1]), count, **options), minlength=5)
    expected = count * np.array(weights) / np.sum(weights)
    assert found[expected == 0].sum() == 0
    possible = expected > 0
    chi_square = np.sum((found - expected)[possible] ** 2 / expected[possible])
    assert chi_square < 23.5  # 4 degrees of freedom: one fixed seed in ten thousand exceeds it


def test_ids_of_all_blocks_are_drawn_by_their_probability():
    V, count = 3 * sampling.BLOCK + 5, 8000
    weights = np.where(np.arange(V) % 40 == 0, 1.0 + np.arange(V) % 3, 0)
    with np.errstate(divide="ignore"):
        found = np.bincount(draw(np.log(weights), count), minlength=V)
    possible = weights > 0
    expected = count * weights[possible] / weights.sum()
    assert found[~possible].sum() == 0
    assert np.sum((found[possible] - expected) ** 2 / expected) < 29.6  # 10 degrees of freedom


def test_only_what_a_row_asks_for_is_done():
    """Nothing is sorted, and noise is not drawn for every id."""
    shapes = (
        jax.ShapeDtypeStruct((4, 32_000), jnp.float32),
        jax.eval_shape(row_keys, jnp.zeros(4, jnp.uint32), jnp.zeros(4, jnp.int32)),
    )
    settings = [jax.ShapeDtypeStruct((4,), kind) for kind in (jnp.float32, jnp.int32, jnp.float32)]
    program = str(jax.make_jaxpr(sampling.sample)(*shapes, *settings))
    assert " sort" not in program and "top_k[" not in program
    assert "random_bits[bit_width=32 shape=(378,)" in program


def test_temperature_zero_takes_the_lowest_of_the_largest():
    assert draw([0.0, 3.0, 3.0, 1.0], 5, temperature=0.0).tolist() == [1] * 5


def test_each_row_has_its_own_setting_and_greedy_rows_ignore_the_rest():
    logits = jnp.log(jnp.array([[0.1, 0.4, 0.2, 0.3]] * 3))
    keys = row_keys(jnp.arange(3, dtype=jnp.uint32), jnp.zeros(3, jnp.int32))
    settings = jnp.array([0.0, 1.0, 5.0]), jnp.array([0, 1, 0]), jnp.array([0.5, 1.0, 0.0])
    assert sample(logits, keys, *settings).tolist() == [1, 1, 1]


def test_a_key_is_a_function_of_seed_and_position_only():
    def data(seeds, positions):
        seeds, positions = jnp.array(seeds, jnp.uint32), jnp.array(positions, jnp.int32)
        return np.asarray(jax.random.key_data(row_keys(seeds, positions))).tolist()

    alone = data([7], [3])[0]
    assert data([1, 7, 9], [3, 3, 4])[1] == alone
    assert len({tuple(key) for key in data([7, 7, 8], [3, 4, 3])}) == 3
