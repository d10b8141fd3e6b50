"""Images drawn by code: a labeled data set that needs no download."""
