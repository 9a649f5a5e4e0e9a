import subprocess
import sys


def test_prints_a_line_for_every_protocol(repository):
    command = [sys.executable, repository / "experiments" / "self_check.py", "--limit", "4"]
    done = subprocess.run(
        [*command, "--tasks", "boolq", "gsm8k"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    header, *rows = (line.split() for line in done.stdout.splitlines())
    assert header == ["task", "protocol", "n", "gold", "wrong", "unreachable"]
    assert [row[:2] for row in rows] == [
        [task, way] for task in ("boolq", "gsm8k") for way in ("paper", "lm-eval")
    ]
    assert all(row[3:] == ["100.00", "0.00", "0"] for row in rows)
