"""What the builder makes of a lab's cells."""

from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_output

from kerastpu.errors import KerastpuError, UsageError
from labs_build import chinese, lab, links, notebook, own_paths, playground, trial

HAN = st.text(alphabet="一二三人口手。，", min_size=1, max_size=12)


def _lab(solution="# answer: a number\nanswer = 42", check="assert answer == 42"):
    return lab.Lab(
        name="42_answers",
        cells=(
            lab.Cell("intro", False, "# Lab 42: Is it so?"),
            lab.Cell("exercise-1", False, "Say it."),
            lab.Cell("exercise-1-solution", True, solution, ("solution",)),
            lab.Cell("exercise-1-check", True, check, ("check",)),
        ),
        translations={"zh-TW": {"intro": "# 是嗎？"}, "zh-CN": {"intro": "# 是吗？"}},
        parameters={"tiny": {}, "full": {}},
        extras=("weights",),
    )


def test_playground_differs_from_the_lab_in_its_solutions_alone():
    whole, exercises = notebook.make(_lab()), notebook.make(_lab(), is_playground=True)
    different = {
        one.id: other.source
        for one, other in zip(whole.cells, exercises.cells, strict=True)
        if one.source != other.source
    }
    assert different.pop("badge")  # leads to another notebook
    assert different == {"exercise-1-solution": "# answer: a number"}


def test_languages_differ_in_their_texts_alone():
    english, chinese_one = notebook.make(_lab()), notebook.make(_lab(), "zh-TW")
    code = [
        [(cell.id, cell.source) for cell in one.cells if cell.cell_type == "code"]
        for one in (english, chinese_one)
    ]
    assert code[0] == code[1]
    assert chinese_one.cells[2].source == "# 是嗎？"


def test_solution_without_comments_has_no_playground():
    with pytest.raises(UsageError, match="must begin with a comment"):
        playground.blanked(lab.Cell("exercise-1-solution", True, "answer = 42"))


def test_trial_refuses_a_check_that_passes_unsolved():
    hopeless = trial.make(_lab(check="assert True")).cells
    sources = {cell.id: cell.source for cell in hopeless}
    with pytest.raises(AssertionError, match="exercise-1 passes its check unsolved"):
        exec(sources["exercise-1-unsolved"], {})
    good = {cell.id: cell.source for cell in trial.make(_lab()).cells}
    names: dict[str, object] = {}
    exec(good["exercise-1-unsolved"], names)
    assert "answer" not in names


def test_relative_links_become_those_of_the_language():
    text = "[a](glossary.md#batch) [b](../results/x.csv) [c](https://a.b/c) [d](#e)"
    english, other = (links.make_absolute(text, one) for one in ("en", "zh-TW"))
    assert "/labs/glossary.md#batch)" in english
    assert "/labs/zh-TW/glossary.md#batch)" in other
    for made in (english, other):
        assert "/blob/main/results/x.csv)" in made
        assert "[c](https://a.b/c) [d](#e)" in made


def test_folder_of_the_run_leaves_no_trace(tmp_path):
    given_outputs = {
        "one": [new_output("stream", name="stdout", text=f"in {tmp_path}/here")],
    }
    cleaned = own_paths.without(given_outputs, tmp_path, "42_answers")
    assert cleaned["one"][0].text == "in .../here"


@pytest.mark.parametrize("path", [Path.home() / "x", Path(nbformat.__file__)])
def test_other_paths_of_the_machine_are_refused(tmp_path, path):
    given_outputs = {"one": [new_output("stream", name="stdout", text=f"see {path}")]}
    with pytest.raises(KerastpuError, match="42_answers, cell one"):
        own_paths.without(given_outputs, tmp_path, "42_answers")


@given(st.lists(HAN, min_size=1, max_size=5))
def test_broken_chinese_lines_join(lines):
    assert chinese.join_lines("\n".join(lines)) == "".join(lines)
    assert chinese.join_lines("有、\n`a`，\nb") == "有、`a`，b"


@pytest.mark.parametrize(
    "text",
    [
        "# 標題\n內文",
        "一\n\n二",
        "* 一。\n* 二",
        "1. 一。\n2. 二",
        "一\nab",
        "English\nwords",
        "| 一 |\n| 二 |",
    ],
)
def test_other_lines_stay(text):
    assert chinese.join_lines(text) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("**先猜：**這個", "**先猜**：這個"),
        ("**先猜：** 這個", "**先猜：** 這個"),
        ("**詞**。，**「詞」**對", "**詞**。，「**詞**」對"),
        ("**詞**：這個", "**詞**：這個"),
    ],
)
def test_bold_ends_before_a_punctuation_mark(text, meant):
    assert chinese.for_markdown(text) == meant
