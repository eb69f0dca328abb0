"""The self-audit: what a real browser saw in each state, against what the registry declares."""
