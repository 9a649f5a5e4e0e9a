"""Answers of two sides of eval_speed.py to the same requests, held against each other."""

from itertools import groupby
from typing import Any

Rows = list[dict[str, Any]]


def compare(requests: Rows, ours: Rows, peer: Rows) -> dict[str, Any]:
    """Returns "questions", whether all have the "equal" answer, and which are "different".

    The answer is the most likely continuation of a question, or the generated text.
    """
    scored = "continuation" in requests[0]
    return _scores(requests, ours, peer) if scored else _texts(ours, peer)


def _scores(requests: Rows, ours: Rows, peer: Rows) -> dict[str, Any]:
    pairs = [(a["logprob"], b["logprob"]) for a, b in zip(ours, peer, strict=True)]
    outside = [i for i, (a, b) in enumerate(pairs) if abs(a - b) > max(1e-4, 1e-6 * abs(b))]
    greedy = sum(a["greedy"] != b["greedy"] for a, b in zip(ours, peer, strict=True))
    answers, different = 0, []
    for question, rows in groupby(range(len(requests)), lambda i: requests[i]["question"]):
        mine = list(rows)
        answers += 1
        chosen = [max(mine, key=lambda i, side=side: pairs[i][side]) for side in (0, 1)]
        if chosen[0] != chosen[1]:
            a, b = sorted((pairs[i][1] for i in mine), reverse=True)[:2]
            different.append({"question": question, "peer_margin": a - b})
    return {
        "questions": answers,
        "requests": len(requests),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        "outside_tolerance": outside,
        "greedy_different": greedy,
        "different": different,
        "equal": not different,
    }


def _texts(ours: Rows, peer: Rows) -> dict[str, Any]:
    """Texts are the same but for the first space, which the peer's decoder drops.

    A batch of the peer goes on until its last row stops, so its ids may go on beyond ours; of bytes
    that are no UTF-8 the same ids give different texts.
    """
    different = []
    for index, (a, b) in enumerate(zip(ours, peer, strict=True)):
        if a["ids"] == b["ids"] or a["text"].lstrip(" ") == b["text"].lstrip(" "):
            continue
        both = list(zip(a["ids"], b["ids"], strict=False))
        at = next((i for i, (x, y) in enumerate(both) if x != y), len(both))
        found = {"request": index, "token": at, "of": len(a["ids"])}
        found |= {"ours": a["ids"][at : at + 1], "peer": b["ids"][at : at + 1]}
        different.append(found)
    return {
        "questions": len(ours),
        "requests": len(ours),
        "different": different,
        "equal": not different,
    }
