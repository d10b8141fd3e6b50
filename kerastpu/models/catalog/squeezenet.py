"""SqueezeNet for ImageNet."""

from kerastpu import pretrained
from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry

ENTRIES: dict[str, ModelEntry] = {
    "squeezenet_v11": ModelEntry(
        module="kerastpu.models.squeezenet_v11",
        builder="build_squeezenet_v11",
        description="SqueezeNet v1.1: the smallest ImageNet backbone, fire modules",
        preprocessing=preprocessing.CAFFE,
        source="Iandola et al., arXiv:1602.07360; rcmalli/keras-squeezenet",
        family="squeezenet",
        image_size=227,
        num_classes=1000,
        num_parameters=1_235_496,
        flops=705_080_704,
        min_size=31,
        is_backbone=True,
        weights={"imagenet": pretrained.SQUEEZENET_V11},
    ),
}
