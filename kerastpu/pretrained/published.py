"""Weights that are published as HDF5 files: of one file, or of Keras's networks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from kerastpu.pretrained import filling, hdf5, probe
from kerastpu.pretrained.downloads import Download
from kerastpu.pretrained.source import Availability, WeightSource

if TYPE_CHECKING:
    import keras


def load_file(model: keras.Model, path: Path, *, is_known: bool = False) -> None:
    """Fills `model` from a file of weights, all of it or nothing.

    Args:
        model: The network that the weights are of; changed in place. A classifier of
            another number of classes stays random.
        path: See `hdf5.open_layers`.
        is_known: Whether the file is as it was published; others are tried in a process
            of their own first, see `probe`.

    Raises:
        KerastpuError: there is no such file, it is damaged, or it holds other layers.
    """
    if not is_known:
        probe.check(path)
    with hdf5.open_layers(path) as layers:
        filling.fill(model, layers, str(path))


@dataclasses.dataclass(frozen=True)
class PublishedFile(WeightSource):
    """Weights that are one file.

    Attributes:
        download: The file.
        licence: Licence of the weights.
        origin: Who trained or converted them.
    """

    download: Download
    licence: str
    origin: str

    def availability(self) -> Availability:
        """Looks where the file is."""
        return self.download.availability()

    def load(self, model: keras.Model) -> None:
        """Fills `model`, see `WeightSource.load`."""
        load_file(model, self.download.fetch(), is_known=True)


@dataclasses.dataclass(frozen=True)
class KerasImagenet(WeightSource):
    """ImageNet weights of a network of `keras.applications`.

    Attributes:
        whole: The file with the classifier.
        backbone: The smaller file without it.
        licence: Licence of the weights.
        origin: Who trained them.
        has_hidden_top: Whether layers with weights stand between backbone and
            classifier.
    """

    whole: Download
    backbone: Download
    licence: str
    origin: str
    has_hidden_top: bool = False

    def availability(self) -> Availability:
        """Looks where the files are; either will do for a backbone."""
        whole = self.whole.availability()
        backbone = self.backbone.availability()
        if whole.is_here or not backbone.is_here:
            return whole
        return Availability(True, f"{backbone.text}, without the classifier")

    def load(self, model: keras.Model) -> None:
        """Fills `model`, see `WeightSource.load`."""
        download = self._choose(model)
        load_file(model, download.fetch(), is_known=bool(download.digest))

    def _choose(self, model: keras.Model) -> Download:
        """Returns the smallest file that holds what `model` can use."""
        heads = [layer for layer in model.layers if layer.name == "probabilities"]
        if heads and (self.has_hidden_top or heads[0].units == 1000):
            return self.whole
        if self.whole.find() and not self.backbone.find():
            return self.whole
        return self.backbone


SQUEEZENET_V11 = PublishedFile(
    download=Download(
        file="squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
        url="https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/"
        "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da",
    ),
    licence="MIT",
    origin="Iandola et al., SqueezeNet v1.1; Keras port by Refik Can Malli",
)
