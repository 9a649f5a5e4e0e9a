"""The decoder: pure functions for norm, RoPE and attention, Flax NNX modules around them."""
