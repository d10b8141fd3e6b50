"""What `kerastpu models` prints: networks as text for people, and as Markdown."""

import itertools
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_WIDTH = 100  # of a line, in characters

Facts = dict[str, Any]


def of_list(networks: Sequence[Facts]) -> str:
    """Returns a table with a line for each network, by family."""
    names = max(len(facts["name"]) for facts in networks)
    lines = [
        f"  {'model':<{names}}  {'parameters':>11}  {'GFLOPs':>8}"
        f"  {'input':>9}  weights"
    ]
    for family, members in _by_family(networks):
        lines += ["", family]
        for facts in members:
            line = (
                f"  {facts['name']:<{names}}  {facts['num_parameters']:>11,}"
                f"  {_giga(facts['flops']):>8}  {_input(facts):>9}  "
                f"{', '.join(map(_weights, facts['weights']))}"
            )
            lines.append(line.rstrip())
    return "\n".join([*lines, "", *_notes(networks)])


def _notes(networks: Sequence[Facts]) -> Iterator[str]:
    yield (
        f"{len(networks)} models. GFLOPs: 10^9 operations for one image of the size "
        "given; a multiply-add counts as two."
    )
    weights = [one for facts in networks for one in facts["weights"]]
    yield "[x]: the weights are on this machine, [ ]: they are not."
    absent = Counter(one["where"] for one in weights if not one["is_here"])
    for where, count in absent.items():
        yield f"  {count} of these: {where}"
    yield "`kerastpu models NAME` tells all about one of them."


def of_model(facts: Facts) -> str:
    """Returns all that is known of one network."""
    side, least = facts["image_size"], facts["min_size"]
    lines = [
        *_wrapped(f"{facts['name']}: {facts['description']}"),
        *_wrapped(f"source: {facts['source']}"),
        f"family: {facts['family']}",
        f"input: {side} x {side} pixels, {facts['channels']} channels, values 0..255; "
        f"at least {least} x {least}",
        f"preprocessing inside: {facts['preprocessing']}",
        f"output: {facts['num_classes']:,} classes, or another number",
        f"parameters: {facts['num_parameters']:,}",
        f"operations: {_giga(facts['flops'])} GFLOPs, "
        f"which is {facts['flops'] / 2e6:,.1f} million multiply-adds",
        *_weight_lines(facts),
        "",
        "options of the builder",
    ]
    for option in facts["options"]:
        default = f" = {option['default']!r}" if "default" in option else ""
        lines.append(f"  {option['name']}{default}")
        lines += _wrapped(option["text"], indent="    ")
    lines += ["", "stage       stride   layers   parameters"]
    lines += [
        f"{stage['name']:<12}{stage['stride']:>6}{stage['num_layers']:>9}"
        f"{stage['num_parameters']:>13,}"
        for stage in facts["stages"]
    ]
    return "\n".join(lines)


def of_markdown(networks: Sequence[Facts]) -> str:
    """Returns the tables of docs/models.md: nothing in them depends on the machine."""
    lines = []
    for family, members in _by_family(networks):
        lines += [
            f"### {family}",
            "",
            "| model | parameters | GFLOPs | input | at least | weights | what |",
            "|---|--:|--:|---|--:|---|---|",
        ]
        lines += [
            f"| `{facts['name']}` | {facts['num_parameters']:,} "
            f"| {_giga(facts['flops'])} | {_input(facts)} | {facts['min_size']} "
            f"| {_licences(facts)} | {facts['description']} |"
            for facts in members
        ]
        lines.append("")
    return "\n".join(lines)


def _by_family(networks: Iterable[Facts]) -> Iterator[tuple[str, Iterator[Facts]]]:
    return itertools.groupby(networks, lambda facts: facts["family"])


def _giga(flops: int) -> str:
    billions = flops / 1e9
    return f"{billions:.2f}" if billions >= 0.1 else f"{billions:.2g}"


def _input(facts: Facts) -> str:
    side = facts["image_size"]
    return f"{side}x{side}x{facts['channels']}"


def _weights(weights: Facts) -> str:
    mark = "x" if weights["is_here"] else " "
    return f"[{mark}] {weights['name']}, {weights['licence']}"


def _licences(facts: Facts) -> str:
    return ", ".join(f"{w['name']} ({w['licence']})" for w in facts["weights"])


def _weight_lines(facts: Facts) -> Iterator[str]:
    if not facts["weights"]:
        yield "weights: none; it starts from random ones"
    for weights in facts["weights"]:
        yield f"weights {weights['name']}: {weights['where']}"
        yield from _wrapped(f"{weights['licence']}; {weights['origin']}", "  ")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent or "  "
    )
