"""A command starts itself anew once, where the kernel gives huge pages to those that ask."""

import os
import subprocess
import sys

import pytest

from llama_jax import huge_pages

PROGRAM = """
import os, sys
from llama_jax import huge_pages
huge_pages.restart_with_huge_pages()
print(os.getpid(), os.environ.get("GLIBC_TUNABLES"), sys.argv[1:])
"""


def run(**environment):
    inherited = {k: v for k, v in os.environ.items() if k != huge_pages.TUNABLES}
    done = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "a b", "-c"],
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    printed, _ = done.communicate(timeout=60)
    assert done.returncode == 0
    return printed.split("\n")[0].partition(" ")[0] == str(done.pid), printed.partition(" ")[2]


def test_it_is_the_same_process_with_the_same_arguments():
    same, printed = run()
    given = huge_pages._given_to_those_that_ask()
    assert same
    assert printed == f"{huge_pages.HUGE_PAGES if given else None} ['a b', '-c']\n"


def test_what_the_user_set_stays():
    assert run(GLIBC_TUNABLES="") == (True, " ['a b', '-c']\n")


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [("always [madvise] never\n", True), ("[always] madvise never\n", False), (None, False)],
)
def test_the_kernel_decides(tmp_path, monkeypatch, kernel, expected):
    monkeypatch.setattr(huge_pages, "KERNEL", tmp_path / "enabled")
    monkeypatch.setattr(os, "confstr", lambda name: "glibc 2.36", raising=False)
    if kernel is not None:
        (tmp_path / "enabled").write_text(kernel)
    assert huge_pages._given_to_those_that_ask() is expected


@pytest.mark.parametrize("library", ["musl 1.2", None])
def test_other_c_libraries_are_left_alone(tmp_path, monkeypatch, library):
    monkeypatch.setattr(huge_pages, "KERNEL", tmp_path / "enabled")
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    monkeypatch.setattr(os, "confstr", lambda name: library, raising=False)
    assert not huge_pages._given_to_those_that_ask()
