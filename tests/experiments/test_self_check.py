import subprocess
import sys

TASKS = ("boolq", "gsm8k", "humaneval", "toxigen", "bold", "wmt17_en_de")
LINES = [
    ["boolq", "paper"],
    ["boolq", "lm-eval"],
    ["gsm8k", "paper"],
    ["gsm8k", "lm-eval"],
    ["toxigen", "paper,", "judge"],
    ["bold", "not", "checked:"],
    ["wmt17_en_de", "saved"],
    ["humaneval", "paper"],
    ["humaneval", "lm-eval"],
    ["humaneval", "outcomes"],
]


def test_prints_a_line_for_every_way_to_score(repository):
    command = [sys.executable, repository / "experiments" / "self_check.py", "--limit", "4"]
    done = subprocess.run([*command, "--tasks", *TASKS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    header, *rows = (line.split() for line in done.stdout.splitlines())
    assert header == ["task", "protocol", "n", "gold", "wrong", "unreachable"]
    assert [row[: len(start)] for row, start in zip(rows, LINES, strict=True)] == LINES
    assert all(row[-3:] == ["100.00", "0.00", "0"] for row in rows if row[0] != "bold")
