"""EfficientNet-Lite."""

from kerastpu import pretrained
from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry


def _entry(
    number: int,
    image_size: int,
    num_parameters: int,
    flops: int,
    weights: pretrained.WeightSource,
) -> ModelEntry:
    return ModelEntry(
        module="kerastpu.models.efficientnet_lite",
        builder=f"build_efficientnet_lite{number}",
        description=f"EfficientNet-Lite{number}: for small devices, without "
        "squeeze-and-excitation",
        preprocessing=preprocessing.LITE,
        source="tensorflow/tpu efficientnet/lite; Tan and Le, arXiv:1905.11946",
        family="efficientnet_lite",
        image_size=image_size,
        num_classes=1000,
        num_parameters=num_parameters,
        flops=flops,
        min_size=32,
        is_backbone=True,
        weights={"imagenet": weights},
    )


ENTRIES: dict[str, ModelEntry] = {
    "efficientnet_lite0": _entry(
        0, 224, 4_694_024, 770_375_104, pretrained.EFFICIENTNET_LITE0
    ),
    "efficientnet_lite1": _entry(
        1, 240, 5_470_344, 1_200_370_464, pretrained.EFFICIENTNET_LITE1
    ),
    "efficientnet_lite2": _entry(
        2, 260, 6_150_168, 1_719_472_544, pretrained.EFFICIENTNET_LITE2
    ),
}
