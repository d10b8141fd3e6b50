"""What the commands print about scores."""

from typing import Any

from kerastpu.runs import RunResult


def of_scores(scores: dict[str, Any]) -> str:
    """Returns a score table as text: accuracy with its interval, then each class."""
    low, high = scores["interval"]
    width = max(len(score["name"]) for score in scores["classes"])
    lines = [
        f"{scores['split']}: {scores['accuracy']:.1%} of {scores['count']} right "
        f"(95 % interval {low:.1%} to {high:.1%}), "
        f"macro F1 {scores['macro_f1']:.3f}, loss {scores['loss']:.3f}",
        f"  {'class':<{width}}  images  precision  recall     F1",
    ]
    rows = (
        f"  {score['name']:<{width}}  {score['count']:>6}"
        f"  {_share(score['precision']):>9}  {_share(score['recall']):>6}"
        f"  {_share(score['f1']):>5}"
        for score in scores["classes"]
    )
    return "\n".join([*lines, *rows])


def of_run(run: RunResult) -> str:
    """Returns a finished run as text: scores, data, hardware, time, files."""
    result = run.result
    data, accelerator = result["data"], result["accelerator"]
    kind = "drawn by code, not photos" if data["is_synthetic"] else "real"
    return "\n".join(
        [
            of_scores(result["test"]),
            f"data: {data['name']} ({kind}), {sum(data['counts'].values())} images",
            f"ran on: {accelerator['summary']}",
            f"took: {result['seconds']['total']:.0f} s",
            f"model: {run.model_path}",
        ]
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
