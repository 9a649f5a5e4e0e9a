"""Wrong choices that give nothing away: each answer is wrong exactly as often as it is shared out.

Within a group of rows, the wrong choices of all rows together are the right ones of all rows,
repeated. So no choice is more often right than another, and neither its length nor its words nor
its frequency says whether it is right: only the context does.
"""

from collections.abc import Callable, Sequence

from llama_jax.samples.generator.grammar import Draw

# Rounds are dealt one after the other; where one is stuck, all are dealt again.
ATTEMPTS = 20


def _match(wishes: list[list[int]]) -> list[int] | None:
    """A different column for each row out of its wishes, or None (Kuhn's augmenting paths)."""
    owner: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column in wishes[row]:
            if column not in tried:
                tried.add(column)
                if column not in owner or place(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    if not all(place(row, set()) for row in range(len(wishes))):
        return None
    return [column for _, column in sorted((row, column) for column, row in owner.items())]


def share_out(
    draw: Draw, keys: Sequence[str], counts: Sequence[int], clash: Callable[[str, str], bool]
) -> list[list[int]]:
    """For each row the rows whose answers are its wrong choices.

    Args:
        draw: source of the random order.
        keys: what each row is about; rows of one key have the same answer.
        counts: wrong choices of each row; every answer is given away once in each round, so the
            balance is exact where all counts are the same.
        clash: whether the answer of one key could be right for the other, too; a key must clash
            with itself.

    Raises:
        ValueError: the answers are too few or too alike for that many wrong choices.
    """
    for _ in range(ATTEMPTS):
        wrong = _deal(draw, keys, counts, clash)
        if wrong is not None:
            return wrong
    raise ValueError(f"{len(set(keys))} different answers are too few or too alike to share out")


def _deal(draw, keys, counts, clash) -> list[list[int]] | None:
    """One attempt of `share_out`, round by round; an early round may leave a later one stuck."""
    wrong: list[list[int]] = [[] for _ in keys]
    for turn in range(max(counts)):
        askers = [row for row, count in enumerate(counts) if count > turn]
        wishes = []
        for row in askers:
            taken = {keys[other] for other in wrong[row]}
            free = [
                other
                for other, key in enumerate(keys)
                if key not in taken and not clash(keys[row], key)
            ]
            wishes.append(draw.shuffled(free))
        matched = _match(wishes)
        if matched is None:
            return None
        for row, other in zip(askers, matched, strict=True):
            wrong[row].append(other)
    return wrong


def positions(draw: Draw, counts: Sequence[int]) -> list[int]:
    """The place of the right choice for each row, every place equally often, in random order."""
    places: list[int] = [0] * len(counts)
    for size in sorted(set(counts)):
        rows = draw.shuffled([row for row, count in enumerate(counts) if count == size])
        for place, row in enumerate(rows):
            places[row] = place % size
    return places
