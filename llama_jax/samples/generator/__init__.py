"""Writes the sample files of this package: a made-up small world, told in several ways.

`facts`, `tools`, `effects` and `people` hold the world as tables written by hand. `grammar` draws
from them, `stories`, `passages` and `questions` turn them into text, `hellaswag` and `arc` into
benchmark rows, `build` into files. What is held out for the benchmark rows is decided in `grammar`
and nowhere else.
"""
