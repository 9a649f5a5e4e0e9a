"""Evaluation: raw benchmark files in, scores out, every arrow one function."""
