"""The paper's tables checked against each other: which cells follow, contradict, or stand alone.

    python experiments/paper_tables.py                # every cell that follows from others
    python experiments/paper_tables.py --tables 3,24 --limit 12
    python experiments/paper_tables.py --json         # every printed cell, one JSON line each

No weights, no data, no network: `llama_jax/paper/` alone. What "equal" means stands at the top of
`llama_jax/paper/recompute.py`.
"""

import argparse
import dataclasses
import json
import sys
from collections import Counter

from llama_jax.errors import InputError
from llama_jax.paper import Check, recompute
from llama_jax.paper.recompute import TABLES


def cells(checks: list[Check], limit: int | None) -> str:
    """One line for each cell with a rule, at most `limit` of each table; contradictions always."""
    head = (
        f"{'table':5} {'row':16} {'column':21} {'printed':>9} {'follows':>10} {'slack':>6}  status"
    )
    lines, shown = [head], Counter()
    for check in checks:
        if check.status == "not recomputable":
            continue
        shown[check.table] += 1
        if limit is not None and shown[check.table] > limit and check.status == "equal":
            continue
        status = check.status if check.status == "equal" else f"{check.status}: {check.reason}"
        lines.append(
            f"{check.table:5} {check.row:16.16} {check.column:21.21} {check.printed:>9} "
            f"{check.recomputed:10.3f} {check.slack:6.3f}  {status}"
        )
    return "\n".join(lines)


def summary(checks: list[Check]) -> str:
    """One line for each table: cells by status, and why the rest cannot be recomputed."""
    lines = [f"{'table':5} {'cells':>6} {'equal':>6} {'contradict':>10} {'alone':>6}  why alone"]
    for number in dict.fromkeys(check.table for check in checks):
        mine = [check for check in checks if check.table == number]
        count = Counter(check.status for check in mine)
        why = dict.fromkeys(check.reason for check in mine if check.status == "not recomputable")
        lines.append(
            f"{number:5} {len(mine):6} {count['equal']:6} {count['contradiction']:10} "
            f"{count['not recomputable']:6}  {'; '.join(why)}"
        )
    count = Counter(check.status for check in checks)
    lines.append(
        f"{'all':5} {len(checks):6} {count['equal']:6} {count['contradiction']:10} "
        f"{count['not recomputable']:6}"
    )
    return "\n".join(line.rstrip() for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", default=",".join(TABLES), help="numbers, separated by commas")
    parser.add_argument("--limit", type=int, help="show so many equal cells of each table")
    parser.add_argument("--json", action="store_true", help="one JSON line for each printed cell")
    arguments = parser.parse_args()
    try:
        if arguments.limit is not None and arguments.limit < 0:
            raise InputError(f"limit {arguments.limit}: it must be at least 0, or absent for all")
        checks = recompute(arguments.tables.split(","))
    except InputError as error:
        print(f"paper_tables: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if arguments.json:
        for check in checks:
            print(json.dumps(dataclasses.asdict(check), ensure_ascii=False))
    else:
        print(cells(checks, arguments.limit), summary(checks), sep="\n\n")


if __name__ == "__main__":
    main()
