"""EfficientNet-Lite."""

from kerastpu import pretrained
from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry

ENTRIES: dict[str, ModelEntry] = {
    "efficientnet_lite0": ModelEntry(
        module="kerastpu.models.efficientnet_lite",
        builder="build_efficientnet_lite0",
        description="EfficientNet-Lite0: mobile backbone with ImageNet weights",
        preprocessing=preprocessing.LITE,
        source="tensorflow/tpu efficientnet/lite; Tan and Le, arXiv:1905.11946",
        family="efficientnet_lite",
        image_size=224,
        num_classes=1000,
        num_parameters=4_694_024,
        flops=0,
        min_size=32,
        is_backbone=True,
        weights={"imagenet": pretrained.EFFICIENTNET_LITE0},
    ),
}
