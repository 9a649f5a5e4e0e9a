import pytest

from llama_jax.evals.progress import TokenBar, planned_tokens
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult


def test_what_items_share_with_the_one_before_is_planned_once():
    shots = tuple(range(1, 1001))
    items = [
        ScoreItem((*shots, 5, 6), 1001),
        ScoreItem((*shots, 5, 7), 1001),
        ScoreItem((*shots, 9), 1000),
        ScoreItem(shots, 999),  # all of it is there already
        GenerateItem((1, 2, 3, 9), 50),
        GenerateItem((1, 2, 3, 9, 9), None),
    ]
    assert planned_tokens(items) == [1002, 1, 1, 1, 51, 257]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def shown(capsys):
    return capsys.readouterr().err.split("\r")[-1]


def test_speed_counts_the_tokens_that_were_there_and_time_goes_by_the_plan(capsys):
    items = [ScoreItem((1,) * 80, 1), GenerateItem((2,) * 10, 10), GenerateItem((3,) * 10, 90)]
    clock = Clock()
    with TokenBar("toy", items, [False, False, True], True, clock) as bar:
        assert " 50%" in (begun := shown(capsys)) and "<?, 1/3 items" in begun
        clock.now = 2.0
        bar.update(items[0], ScoreResult((-1.0,) * 79, False))
        bar._bar.refresh()
        assert " 90%" in (half := shown(capsys)) and "2/3 items, 40 tokens/s" in half
        clock.now = 4.0
        bar.update(items[1], GenerateResult((5, 6), "ab", "eos"))
        bar._bar.refresh()
        assert "100%" in (done := shown(capsys)) and "3/3 items, 23 tokens/s" in done


def test_the_end_is_shown_at_a_hundred_percent_with_equal_items(capsys):
    items = [ScoreItem((1, 2, 3), 1)] * 3
    with TokenBar("toy", items, [False] * 3, True) as bar:
        for item in items:
            bar.update(item, ScoreResult((-1.0, -1.0), True))
    assert "100%" in shown(capsys)


@pytest.mark.parametrize("progress", [False, None])
def test_nothing_is_shown_where_nobody_looks(progress, capsys):
    items = [ScoreItem((1, 2, 3), 1)]
    with TokenBar("toy", items, [False], progress) as bar:
        bar.update(items[0], ScoreResult((-1.0, -1.0), True))
    assert capsys.readouterr() == ("", "")
