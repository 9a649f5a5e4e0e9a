"""Data: raw benchmark files in, text in, batches out."""
