"""The checks that end a lab: a claim in words, and whether it holds."""


class CheckError(Exception):
    """A claim of a lab does not hold."""


def check(holds: bool, claim: str) -> None:
    """Prints the claim, if it holds.

    Args:
        holds: whether it does.
        claim: a statement of what was computed before, as "softmax sums to 1".

    Raises:
        CheckError: it does not hold.
    """
    if not holds:
        raise CheckError(f"not so: {claim}")
    print(f"ok: {claim}")
