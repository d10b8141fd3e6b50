"""`doctor`: the report is whole, JSON-able, readable, and honest about fallbacks."""

import json

import pytest

from kerastpu import doctor, strategy, tpu
from kerastpu.errors import AcceleratorError


@pytest.fixture(scope="module")
def report():
    return doctor.collect()


def test_report_survives_json(report):
    again = json.loads(json.dumps(report))
    assert doctor.render(again) == doctor.render(report)


def test_report_says_versions_machine_devices_and_choice(report):
    import keras

    assert report["versions"]["keras"] == keras.__version__
    assert report["machine"]["cpu_count"] >= 1
    assert any("CPU" in device for device in report["devices"])
    assert report["accelerator"]["num_replicas"] >= 1


def test_every_reason_and_place_is_shown_within_80_columns(report):
    text = doctor.render(report)
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    for reason in report["accelerator"]["reasons"]:
        assert reason in words
    for place in report["data"]:
        mark = "[x]" if place["reachable"] else "[ ]"
        assert f"{mark} {place['place']}: {place['why']}" in words
    assert "[x] rendered" in words


def test_a_missing_extra_comes_with_its_pip_line(monkeypatch):
    monkeypatch.setitem(doctor.optional.EXTRAS, "no_such_module", "onnx")
    found = doctor.collect()["missing"]
    line = 'pip install "kerastpu[onnx]"'
    assert line in [item["install"] for item in found]


def test_signs_of_a_tpu_without_libtpu_are_advised_on(monkeypatch):
    monkeypatch.setattr(tpu, "DEVICE_FILES", ("/dev/null",))
    report = doctor.collect()
    text = " ".join(doctor.render(report).split())
    assert "signs of a TPU (/dev/null)" in text
    assert 'pip install "kerastpu[tpu]"' in text


def test_a_named_accelerator_that_is_absent_is_an_error():
    with pytest.raises(AcceleratorError, match="found /device:CPU:0"):
        doctor.collect("tpu")


def test_auto_that_cannot_run_is_reported_not_raised(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}}')
    report = doctor.collect()
    assert "20585" in report["accelerator"]["error"]
    assert "none: TF_CONFIG names 2 tasks" in " ".join(doctor.render(report).split())


def test_the_verdict_is_one_line_that_names_what_would_run():
    line = doctor.verdict()
    assert "\n" not in line
    assert strategy.resolve().describe() in line
