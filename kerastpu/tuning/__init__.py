"""Search for good settings: spaces, Latin hypercube, halving, the study record."""
