"""Training: loss (pure), optimizer, one train step (pure), and the loop around it."""
