"""What an unfinished run keeps, so that it can go on where it was killed."""
