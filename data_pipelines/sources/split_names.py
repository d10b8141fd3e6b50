"""The words by which folders, tables and file names tell training from test images."""

_WORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
_SPLITS = {word: split for split, words in _WORDS.items() for word in words}

SPLIT_WORDS = tuple(_SPLITS)


def split_of_word(word: str) -> str | None:
    """Returns "train", "validation" or "test", or None if `word` means none of them.

    Capital letters count as small ones.
    """
    return _SPLITS.get(word.lower())
