"""What a program does after its run was stopped (the loop's own tests stop runs)."""

import pytest

from llama_jax.training.stop import leave_if_stopped


def test_a_program_whose_run_was_stopped_ends_there(capsys):
    leave_if_stopped(None)
    with pytest.raises(SystemExit) as ended:
        leave_if_stopped(7)
    assert ended.value.code == 0
    assert capsys.readouterr().err == "stopped after step 7, saved; the same command goes on\n"
