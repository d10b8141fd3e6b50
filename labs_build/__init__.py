"""Makes notebooks of the labs' scripts; runs in a checkout, is not installed."""
