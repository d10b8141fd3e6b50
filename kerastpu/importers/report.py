"""What was imported, for people and for programs."""

from __future__ import annotations

from typing import Any

from kerastpu.importers.importing import Imported
from kerastpu.importers.parity import Parity


def facts(imported: Imported, parity: Parity) -> dict[str, Any]:
    """Returns what is told of an import, ready for JSON.

    Args:
        imported: The model and its file.
        parity: How it compares with ONNX Runtime.
    """
    model = imported.model
    return {
        "name": model.name,
        "producer": imported.graph.producer,
        "opset": imported.graph.opset,
        "nodes": len(imported.graph.nodes),
        "inputs": [
            {"name": tensor.name, "shape": list(tensor.shape)}
            for tensor in model.inputs
        ],
        "outputs": [
            {"name": name, "shape": list(tensor.shape)}
            for name, tensor in zip(imported.graph.outputs, model.outputs, strict=True)
        ],
        "layers": len(model.layers),
        "parameters": model.count_params(),
        "max_difference": parity.difference,
        "largest_output": parity.largest,
        "tolerance": parity.tolerance,
    }


def text(told: dict[str, Any]) -> str:
    """Returns the same as lines for people.

    Args:
        told: See `facts`.
    """
    producer = told["producer"] or "an unnamed program"
    lines = [
        f"{told['name']}: {told['nodes']:,} nodes, opset {told['opset']}, {producer}"
    ]
    for kind in ("inputs", "outputs"):
        for item in told[kind]:
            sizes = ", ".join("any" if n is None else str(n) for n in item["shape"])
            lines.append(f"  {kind[:-1]:<7} {item['name']} ({sizes})")
    lines.append(f"  {told['layers']:,} layers, {told['parameters']:,} parameters")
    lines.append(
        f"  largest difference to ONNX Runtime {told['max_difference']:.2g}, "
        f"of outputs up to {told['largest_output']:.3g}"
    )
    return "\n".join(lines)
