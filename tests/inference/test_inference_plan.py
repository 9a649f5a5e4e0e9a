from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_jax.errors import InputError
from llama_jax.inference.batches import halve
from llama_jax.inference.estimate import describe
from llama_jax.inference.plan import plan_scores
from llama_jax.inference.prefixes import Row, choose_groups, merge_rows
from llama_jax.inference.shapes import Shape, buckets, choose_shapes, fill
from llama_jax.inference.types import ScoreItem

CONTEXT = 40


@st.composite
def item_lists(draw):
    """(ids, start) of items over three ids, so that much is shared, nested and equal."""
    ids = st.lists(st.integers(0, 2), min_size=0, max_size=12)
    heads = draw(st.lists(ids, min_size=1, max_size=3))
    items = []
    for head, tail in draw(st.lists(st.tuples(st.sampled_from(heads), ids), max_size=14)):
        whole = (1, *head, *tail, 2)
        items.append((whole, draw(st.integers(1, len(whole) - 1))))
    return items


def make(items, batch_tokens=48, min_prefix=3, call_tokens=1, context=CONTEXT, row_tokens=12):
    return plan_scores(
        items,
        context=context,
        vocab_size=100,
        batch_tokens=batch_tokens,
        min_prefix=min_prefix,
        call_tokens=call_tokens,
        shape_tokens=64,
        row_tokens=row_tokens,
    )


def answers(plan, batches):
    """What each item is told, read off the arrays alone: [(ids before, id)] per item."""
    found = {}
    for batch in batches:
        before = [int(n) for node in plan.path(batch.node) for n in plan.nodes[node].ids]
        for item, slots, which in batch.reads:
            assert item not in found, "an item is answered once"
            assert (slots < batch.slots).all()
            rows, columns = np.divmod(batch.positions[slots], batch.tokens.shape[1])
            assert (columns < batch.counts[rows]).all()
            found[item] = []
            for row, column, slot, k in zip(rows, columns, slots, which, strict=True):
                path = np.flatnonzero(batch.ends[row, : column + 1] > column)
                depths = np.arange(len(before), len(before) + len(path))
                assert (batch.depths[row, path] == depths).all()
                ids = (*before, *batch.tokens[row, path].tolist())
                found[item].append((ids, batch.targets[slot, k]))
    return found


def wanted(items):
    return {
        index: [(item.ids[:p], item.ids[p]) for p in range(item.start, len(item.ids))]
        for index, item in enumerate(items)
    }


@settings(max_examples=150, deadline=None)
@given(item_lists(), st.integers(1, 80), st.integers(1, 6), st.integers(0, 4), st.integers(1, 40))
def test_every_item_is_answered_once_from_its_own_ids(pairs, batch, prefix, call, row):
    items = [ScoreItem(*pair) for pair in pairs]
    plan = make(items, batch, prefix, call, row_tokens=row)
    assert answers(plan, plan.batches) == wanted(items)


@settings(max_examples=100, deadline=None)
@given(item_lists(), st.integers(1, 80))
def test_arrays_are_padded_to_buckets_and_the_counts_add_up(pairs, batch_tokens):
    items = [ScoreItem(*pair) for pair in pairs]
    plan = make(items, batch_tokens)
    computed = 0
    assert len({shape[:4] for shape in plan.shapes}) == len(plan.shapes), "N and K follow P, B, T"
    for batch in plan.batches:
        rows, length = batch.tokens.shape
        assert length in plan.lengths
        assert rows * length <= batch_tokens or rows == 1
        assert (batch.tokens[np.arange(length) >= batch.counts[:, None]] == 0).all()
        assert len(batch.positions) == len(batch.targets) == -(-rows * length // 128) * 128
        computed += rows * length
    for index, node in enumerate(plan.nodes):
        assert (len(node.ids) >= 3, plan.capacity(index) in plan.lengths) == (True, True)
        assert node.depth == sum(len(plan.nodes[n].ids) for n in plan.path(index))
        ids = np.concatenate([ids[:count] for ids, count in plan.chunks(index)])
        assert (ids == node.ids).all()
        computed += sum(len(ids) for ids, _ in plan.chunks(index))
    assert plan.prefilled + plan.saved == sum(len(item.ids) - 1 for item in items)
    assert plan.prefilled + plan.padding == computed
    assert plan.scored == sum(len(item.ids) - item.start for item in items)
    assert plan.saved >= 0


@settings(max_examples=60, deadline=None)
@given(item_lists())
def test_halves_answer_what_the_whole_does(pairs):
    plan = make([ScoreItem(*pair) for pair in pairs])
    for batch in plan.batches:
        if len(batch.tokens) > 1:
            assert answers(plan, halve(batch)) == answers(plan, [batch])


def test_by_hand():
    items = [
        ScoreItem((1, 5, 6, 7, 8), 4),
        ScoreItem((1, 5, 6, 7, 9, 2), 4),
        ScoreItem((1, 5, 6, 4, 3), 4),
        ScoreItem((1, 5, 6, 7, 8), 4),
    ]
    plan = make(items)
    assert plan.nodes == (), "one packed row holds the whole tree"
    (batch,) = plan.batches
    assert batch.tokens.tolist() == [[1, 5, 6, 4, 7, 9, 0, 0]]
    assert batch.depths.tolist() == [[0, 1, 2, 3, 3, 4, 0, 0]]
    assert batch.ends.tolist() == [[6, 6, 6, 4, 6, 6, 7, 8]]
    assert batch.counts.tolist() == [6]
    assert batch.targets.shape == (128, 4), "7 is followed by 8 and by 9"
    assert (plan.prefilled, plan.saved, plan.scored) == (6, 4 + 5 + 4 + 4 - 6, 5)
    many = [*items, *(ScoreItem((1, 5, 6, *[n] * 6, 3), 9) for n in range(10, 20))]
    plan = make(many)
    (node,) = plan.nodes
    assert (node.ids.tolist(), node.depth, node.parent) == ([1, 5, 6], 3, None)
    assert plan.prefilled == 3 + 3 + 10 * 6, "each id of the tree once"


def test_nodes_are_nested():
    rng = np.random.default_rng(1)
    head = (1, *rng.integers(3, 90, 40).tolist())
    items = []
    for passage in range(2):
        text = (*head, *rng.integers(3, 90, 30).tolist())
        for n in range(8):
            items.append(ScoreItem((*text, *[50 + n] * 20, passage + 3), len(text) + 20))
    plan = make(items, context=128, row_tokens=48)
    assert [(len(node.ids), node.depth, node.parent) for node in plan.nodes] == [
        (41, 41, None),
        (30, 71, 0),
        (30, 71, 0),
    ]
    assert plan.prefilled == 41 + 2 * 30 + 16 * 20
    assert answers(plan, plan.batches) == wanted(items)


def test_one_token_answers_to_one_question_are_one_row():
    rng = np.random.default_rng(0)
    items, once = [], 0
    for _ in range(3):  # subjects
        shots = rng.integers(3, 90, rng.integers(200, 300)).tolist()
        once += len(shots)
        for _ in range(20):  # questions
            question = rng.integers(3, 90, rng.integers(20, 60)).tolist()
            once += len(question)
            items += [
                ScoreItem((*shots, *question, 90 + n), len(shots + question)) for n in range(4)
            ]
    plan = plan_scores(items, context=512, vocab_size=100, batch_tokens=2048)
    assert len(plan.nodes) == 3
    assert plan.prefilled <= once
    assert plan.padding < 0.25 * plan.prefilled


def test_few_shot_questions_of_57_subjects():
    """The size of MMLU's prompts: what has to be computed, and little more."""
    rng = np.random.default_rng(0)
    header, items, once = (1, *range(100, 112)), [], 13
    for _ in range(57):
        shots = rng.integers(200, 900, rng.integers(300, 900)).tolist()
        once += len(shots)
        for _ in range(25):
            question = rng.integers(200, 900, rng.integers(40, 200)).tolist()
            once += len(question)
            ids = (*header, *shots, *question)
            items += [ScoreItem((*ids, 900 + n), len(ids)) for n in range(4)]
    plan = plan_scores(items, context=2048, vocab_size=1000, batch_tokens=4096)
    assert plan.prefilled <= 1.05 * once
    assert plan.prefilled + plan.padding <= 1.2 * once


def test_a_prefix_ends_before_the_first_position_that_is_read():
    shared = tuple(range(3, 43))
    items = [ScoreItem((*shared, 50), 10), ScoreItem((*shared, 51, 52), 41)]
    plan = make(items, context=100, min_prefix=2, call_tokens=0)
    assert plan.nodes == ()  # one row answers both
    items = [ScoreItem((*shared, *[n] * 9, 53), 10) for n in range(50, 60)]
    plan = make(items, context=100, min_prefix=2, call_tokens=0)
    assert [node.depth for node in plan.nodes] == [9]


def test_a_ragged_last_batch_adds_no_shape():
    items = [ScoreItem((1, *([n] * 15), 3), 16) for n in range(4, 14)]
    plan = make(items, batch_tokens=64, call_tokens=64, row_tokens=16)
    assert [batch.tokens.shape for batch in plan.batches] == [(4, 16)] * 3
    assert plan.batches[-1].counts.tolist() == [16, 16, 0, 0]
    assert plan.shapes == {("score", 0, 4, 16, 128, 1)}


def test_longest_rows_come_first():
    items = [ScoreItem((n, *([1] * n), 2), 1) for n in (5, 30, 12, 20)]
    counts = [int(c) for batch in make(items, row_tokens=1).batches for c in batch.counts if c]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (ScoreItem((1,) * 42, 1), r"item 1: 42 ids, 41 of them to feed, exceed .* context of 40"),
        (ScoreItem((1, 100), 1), r"item 1: id 100 is outside the model's vocabulary of 100"),
    ],
)
def test_refuses(item, message):
    with pytest.raises(InputError, match=message):
        make([ScoreItem((1,) * 41, 1), item])


def test_refuses_a_batch_of_nothing():
    with pytest.raises(InputError, match="batch_tokens 0"):
        make([], batch_tokens=0)


def test_nothing_to_score():
    plan = make([])
    assert (plan.batches, plan.nodes, plan.prefilled, plan.shapes) == ((), (), 0, frozenset())


def test_description():
    items = [ScoreItem((*range(3, 43), n, n, 3), 42) for n in range(50, 60)]
    plan = make(items, context=64, row_tokens=8)
    assert describe(plan) == (
        "10 items in 3 packed rows, 1 batches, 1 shared prefixes\n"
        "tokens: 60 to prefill, 360 saved by sharing, 4 of padding; 10 to score\n"
        "shapes to compile: 3\n"
        "  1 x [3, 8] behind a prefix of 48"
    )


# ---- sharing ----


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), max_size=10),
    st.integers(1, 3),
    st.integers(0, 4),
)
def test_groups_save_the_most_that_one_level_can(sequences, min_prefix, group_cost):
    fed = [np.array(ids, np.int32) for ids in sequences]
    rows, groups = choose_groups(merge_rows(fed, [len(ids) for ids in fed]), min_prefix, group_cost)
    leaves = [tuple(row.ids[: row.shareable].tolist()) for row in rows]

    @cache
    def most(beginning):
        """The most that rows with this beginning can save, by trying every tree of beginnings."""
        inside = [ids for ids in leaves if ids[: len(beginning)] == beginning]
        if len(inside) < 2:
            return 0
        own = (len(inside) - 1) * len(beginning) - group_cost
        longer = {ids[: len(beginning) + 1] for ids in inside if len(ids) > len(beginning)}
        return max(own if len(beginning) >= min_prefix else 0, sum(map(most, sorted(longer))))

    saved, end = 0, 0
    for start, stop, depth in groups:
        assert start >= end, "groups do not overlap"
        assert len({ids[:depth] for ids in leaves[start:stop]}) == 1
        saved += (stop - start - 1) * depth - group_cost
        end = stop
    assert saved == most(())


def test_merging_by_hand():
    fed = [np.array(ids, np.int32) for ids in ([1, 2, 3], [1, 2], [1, 2, 3], [1, 4], [256], [1])]
    rows = merge_rows(fed, [2, 1, 1, 1, 0, 0])
    found = {tuple(row.ids.tolist()): (sorted(row.items), row.shareable) for row in rows}
    assert found == {(256,): ([4], 0), (1, 4): ([3], 1), (1, 2, 3): ([0, 1, 2, 5], 0)}


def test_rows_of_one_group_may_share_less_than_they_have_in_common():
    rows = [Row(np.array([7, 7, 7, n], np.int32), (n,), 3 if n else 1) for n in range(3)]
    ordered, groups = choose_groups(rows, 1, 0)
    assert [(ordered[g.start].items, g.stop - g.start, g.depth) for g in groups] == [((1,), 2, 3)]


# ---- shapes ----


def test_buckets():
    assert buckets(100) == (8, 12, 16, 24, 32, 48, 64, 96, 100)
    assert buckets(5) == (5,)
    assert buckets(21, 1) == (1, 2, 3, 4, 6, 8, 12, 16, 21)
    assert buckets(1, 1) == (1,)


def test_filling_by_hand():
    menu = [Shape(4, 16), Shape(2, 16), Shape(4, 8)]
    # Five rows of 16 and four of 8: the fifth long row takes three short ones along.
    assert list(fill(((16, 5), (8, 4)), menu)) == [
        (Shape(4, 16), 1),
        (Shape(4, 16), 1),
        (Shape(4, 8), 1),
    ]
    assert list(fill(((16, 3),), menu)) == [(Shape(2, 16), 1), (Shape(2, 16), 1)]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(buckets(64)), st.integers(1, 40), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 300),
)
def test_chosen_shapes_hold_every_row(groups, batch_tokens):
    groups = [tuple(sorted(runs.items(), reverse=True)) for runs in groups]
    menu = choose_shapes(groups, batch_tokens)
    used = set()
    for runs in groups:
        lengths = [length for length, count in runs for _ in range(count)]
        for shape, batches in fill(runs, menu):
            used.add(shape)
            for _ in range(batches):
                held, lengths = lengths[: shape.rows], lengths[shape.rows :]
                assert held and held[0] <= shape.length
                assert shape.rows == 1 or shape.rows * shape.length <= batch_tokens
        assert lengths == []
    assert used == set(menu)


def test_a_shape_must_save_as_much_as_its_compilation_costs():
    few, many = ((64, 1), (8, 8)), ((64, 16), (8, 2000))
    assert len(choose_shapes([few], 512)) == 1
    assert {shape.length for shape in choose_shapes([many], 512)} == {8, 64}


def test_a_plan_without_known_items_keeps_the_other_batches_as_they_were():
    rng = np.random.default_rng(3)
    items = [ScoreItem(tuple(rng.integers(0, 50, n).tolist()), 2) for n in range(4, 40)]
    plan = plan_scores(items, context=64, vocab_size=50, batch_tokens=128)
    known = {read.item for batch in plan.batches[:2] for read in batch.reads}
    rest = plan.without(known)
    assert rest.batches == plan.batches[2:]
    assert rest.items == plan.items - known
    assert rest.scored == sum(len(items[i].ids) - 2 for i in rest.items)
    assert rest.prefilled + rest.saved == sum(len(items[i].ids) - 1 for i in rest.items)
    one_missing = plan.without(plan.items - {plan.batches[0].reads[0].item})
    assert one_missing.batches == plan.batches[:1]
    assert plan.without(plan.items).batches == ()
