"""Choosing a few images of a source to look at."""

from collections import defaultdict

import numpy as np

from data_pipelines.sources.source import Example, Source


def pick_evenly(source: Source, per_class: int) -> dict[int, list[Example]]:
    """Returns at most `per_class` images of each class, spread evenly over its images.

    Neighbors in a folder are often shots of one scene; the first few would be.

    Returns:
        Class number -> images; a class without images has an empty list.
    """
    groups: dict[int, list[Example]] = defaultdict(list)
    for example in source.examples:
        groups[example.label].append(example)
    picked = {}
    for label in range(len(source.class_names)):
        group = groups[label]
        count = min(per_class, len(group))
        picked[label] = [group[i * len(group) // count] for i in range(count)]
    return picked


def pick_across(source: Source, count: int, seed: int) -> list[Example]:
    """Returns `count` images at random, no class again before each has been shown.

    Args:
        source: What to choose from; all its images if it has fewer.
        count: How many.
        seed: Same seed, same images.
    """
    seen: dict[int, int] = defaultdict(int)
    rounds = []
    for index in np.random.default_rng(seed).permutation(len(source.examples)):
        example = source.examples[index]
        rounds.append((seen[example.label], example))
        seen[example.label] += 1
    rounds.sort(key=lambda pair: pair[0])  # stable: still at random in each round
    return [example for _, example in rounds[:count]]
