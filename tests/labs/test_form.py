"""Every lab keeps the rules, and the rules find what breaks them."""

import pytest

from labs_build import lab, rules

LABS = lab.scripts()
GLOSSARY_TERMS = {
    *("batch", "cross-entropy", "dense", "features", "label", "learning-rate"),
    *("logits", "loss", "neuron", "one-hot", "relu", "sigmoid", "softmax", "tensor"),
    *("convolution", "pooling", "stride", "epoch", "gradient-descent", "momentum"),
    *("batch-normalization", "augmentation", "transfer-learning", "fine-tuning"),
    *("strategy", "replica", "bfloat16", "tfrecord", "shard", "xla"),
    *("separable-convolution", "learning-rate-schedule"),
}


@pytest.mark.parametrize("script", LABS, ids=lambda path: path.stem)
def test_lab_keeps_the_rules(script):
    assert rules.problems(lab.load(script)) == []


def test_glossary_has_every_term_in_every_language():
    files = {
        language: lab.FOLDER / ("" if language == "en" else language) / "glossary.md"
        for language in lab.LANGUAGES
    }
    found = {language: rules.anchors(file) for language, file in files.items()}
    assert found["en"] >= GLOSSARY_TERMS
    assert found["zh-TW"] == found["zh-CN"] == found["en"]
    for language in ("zh-TW", "zh-CN"):
        for entry in files[language].read_text("utf-8").split("\n## ")[1:]:
            cell = lab.Cell("entry", False, _entry(files["en"], entry.split("\n")[0]))
            assert list(rules.differences(cell, entry)) == [], entry


def _entry(file, title):
    entries = file.read_text("utf-8").split("\n## ")[1:]
    return next(entry for entry in entries if entry.split("\n")[0] == title)


ENGLISH = lab.Cell("one", False, "A [batch](glossary.md#batch) of 1,024 in `fit`.")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A [batch](glossary.md#batch) of 1,024 in `fit`.", "no Chinese"),
        ("`fit` 的[批次](glossary.md#batch)有 1024 個。", "numbers"),
        ("`fits` 的[批次](glossary.md#batch)有 1,024 個。", "code"),
        ("`fit` 的[批次](glossary.md#loss)有 1,024 個。", "links"),
        ("`fit` 的[批次](glossary.md#batch)**有 1,024 個。**對", "bold"),
    ],
)
def test_translation_that_says_another_thing_is_found(text, complaint):
    assert any(complaint in line for line in rules.differences(ENGLISH, text))


def test_faithful_translation_is_accepted():
    text = "`fit` 的[批次](glossary.md#batch)有 1,024 個。"
    assert list(rules.differences(ENGLISH, text)) == []


SCRIPT = """\
# %% [markdown] key="intro"
# # Lab 42: Is it so?

# %% key="start"
backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
SIZE = 3
"""
EXERCISE = """
# %% [markdown] key="exercise-{0}"
# <details><summary>Hint</summary>No.</details>

# %% tags=["solution"] key="exercise-{0}-solution"
# answer{0}: a number
answer{0} = 1

# %% tags=["check"] key="exercise-{0}-check"
assert answer{0} == 1
"""
END = """
# %% key="checks"
print("all checks passed")
"""
WHOLE = SCRIPT + "".join(EXERCISE.format(n) for n in (1, 2, 3)) + END


HINT = "<details><summary>提示</summary>沒有。</details>"
TEXTS = {"intro": "# 實驗 42：是這樣嗎？"} | {f"exercise-{n}": HINT for n in (1, 2, 3)}
TRANSLATIONS = "".join(
    f"[{key}]\nzh-TW = '{text}'\nzh-CN = '{text}'\n" for key, text in TEXTS.items()
)
PARAMETERS = "[tiny]\nSIZE = 1\n[full]\nSIZE = 9\n"


def _load(folder, script):
    (folder / "42_answers.py").write_text(script, "utf-8")
    for kind, text in {"parameters": PARAMETERS, "translations": TRANSLATIONS}.items():
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / "42_answers.toml").write_text(text, "utf-8")
    return lab.load(folder / "42_answers.py")


def test_a_small_lab_can_keep_the_rules(tmp_path):
    assert rules.problems(_load(tmp_path, WHOLE)) == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("Is it so?", "It is so.", "a question"),
        ("Lab 42", "Lab 24", "# Lab 42"),
        ("# # Lab", "# See [x](glossary.md#nonsense).\n# # Lab", "leads nowhere"),
        ('print("all checks passed")', "print()", "all checks passed"),
        ("print(doctor.verdict())", "", "doctor.verdict"),
        ("SIZE = 3", "SIDE = 3", "sets SIZE"),
        (EXERCISE.format(3), "", "exercise-3"),
        ("# answer2: a number\n", "", "must begin with a comment"),
        ('tags=["solution"] key="exercise-1', 'key="exercise-1', "solution"),
        ("<summary>Hint</summary>", "", "hint"),
        ('key="start"', 'key="install"', "the builder uses"),
    ],
)
def test_lab_that_breaks_a_rule_is_told(tmp_path, old, new, complaint):
    assert old in WHOLE
    found = rules.problems(_load(tmp_path, WHOLE.replace(old, new, 1)))
    assert any(complaint in line for line in found), found
