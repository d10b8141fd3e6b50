"""The networks of `keras.applications`, under our names.

`num_parameters` are those of Keras's own networks, but for EfficientNet: seven less, as
the statistics of its `Normalization` layer are constants here.
"""

from __future__ import annotations

import dataclasses

from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry
from kerastpu.models.preprocessing import Preprocessing
from kerastpu.pretrained import KERAS_IMAGENET


@dataclasses.dataclass(frozen=True)
class _Family:
    """Networks of one paper.

    Attributes:
        description: One line for people.
        source: The paper.
        preprocessing: What their ImageNet weights expect.
        networks: Name -> what Keras calls it, side of the images in pixels, parameters
            and floating-point operations with 1000 classes.
        min_size: Smallest height and width in pixels.
    """

    description: str
    source: str
    preprocessing: Preprocessing
    networks: dict[str, tuple[str, int, int, int]]
    min_size: int = 32


_FAMILIES = {
    "xception": _Family(
        "separable convolutions with shortcuts",
        "Chollet, arXiv:1610.02357",
        preprocessing.TF,
        {"xception": ("Xception", 299, 22_910_480, 16_714_806_992)},
        min_size=71,
    ),
    "vgg": _Family(
        "plain 3x3 convolutions and three dense layers",
        "Simonyan and Zisserman, arXiv:1409.1556",
        preprocessing.CAFFE,
        {
            "vgg16": ("VGG16", 224, 138_357_544, 30_940_528_640),
            "vgg19": ("VGG19", 224, 143_667_240, 39_264_124_928),
        },
    ),
    "resnet": _Family(
        "bottleneck blocks with shortcuts",
        "He et al., arXiv:1512.03385",
        preprocessing.CAFFE,
        {
            "resnet50": ("ResNet50", 224, 25_636_712, 7_715_946_496),
            "resnet101": ("ResNet101", 224, 44_707_176, 15_140_388_864),
            "resnet152": ("ResNet152", 224, 60_419_944, 22_564_831_232),
        },
    ),
    "resnet_v2": _Family(
        "bottleneck blocks with BatchNorm and ReLU before each convolution",
        "He et al., arXiv:1603.05027",
        preprocessing.TF,
        {
            "resnet50_v2": ("ResNet50V2", 224, 25_613_800, 6_964_510_720),
            "resnet101_v2": ("ResNet101V2", 224, 44_675_560, 14_388_953_088),
            "resnet152_v2": ("ResNet152V2", 224, 60_380_648, 21_813_395_456),
        },
    ),
    "inception": _Family(
        "modules of parallel convolutions",
        "Szegedy et al., arXiv:1512.00567 and 1602.07261",
        preprocessing.TF,
        {
            "inception_v3": ("InceptionV3", 299, 23_851_784, 11_426_432_192),
            "inception_resnet_v2": (
                "InceptionResNetV2",
                299,
                55_873_736,
                26_311_588_032,
            ),
        },
        min_size=75,
    ),
    "mobilenet": _Family(
        "depthwise separable convolutions, for small devices",
        "Howard et al., arXiv:1704.04861",
        preprocessing.TF,
        {"mobilenet": ("MobileNet", 224, 4_253_864, 1_137_480_704)},
    ),
    "mobilenet_v2": _Family(
        "inverted residual blocks, for small devices",
        "Sandler et al., arXiv:1801.04381",
        preprocessing.TF,
        {"mobilenet_v2": ("MobileNetV2", 224, 3_538_984, 601_548_544)},
    ),
    "mobilenet_v3": _Family(
        "inverted residual blocks with squeeze-and-excitation, found by search",
        "Howard et al., arXiv:1905.02244",
        preprocessing.TF,
        {
            "mobilenet_v3_small": ("MobileNetV3Small", 224, 2_554_968, 113_020_800),
            "mobilenet_v3_large": ("MobileNetV3Large", 224, 5_507_432, 433_179_520),
        },
    ),
    "densenet": _Family(
        "each layer sees the maps of all before it",
        "Huang et al., arXiv:1608.06993",
        preprocessing.TORCH,
        {
            "densenet121": ("DenseNet121", 224, 8_062_504, 5_668_323_328),
            "densenet169": ("DenseNet169", 224, 14_307_880, 6_719_686_656),
            "densenet201": ("DenseNet201", 224, 20_242_984, 8_582_731_776),
        },
    ),
    "nasnet": _Family(
        "cells found by search",
        "Zoph et al., arXiv:1707.07012",
        preprocessing.TF,
        {
            "nasnet_mobile": ("NASNetMobile", 224, 5_326_716, 1_127_277_632),
            "nasnet_large": ("NASNetLarge", 331, 88_949_818, 47_566_829_316),
        },
    ),
    "efficientnet": _Family(
        "inverted residual blocks scaled in width, depth and resolution together",
        "Tan and Le, arXiv:1905.11946",
        preprocessing.TORCH,
        {
            "efficientnet_b0": ("EfficientNetB0", 224, 5_330_564, 771_629_504),
            "efficientnet_b1": ("EfficientNetB1", 240, 7_856_232, 1_373_605_664),
            "efficientnet_b2": ("EfficientNetB2", 260, 9_177_562, 1_987_123_744),
            "efficientnet_b3": ("EfficientNetB3", 300, 12_320_528, 3_654_282_784),
            "efficientnet_b4": ("EfficientNetB4", 380, 19_466_816, 8_787_542_048),
            "efficientnet_b5": ("EfficientNetB5", 456, 30_562_520, 20_532_769_504),
            "efficientnet_b6": ("EfficientNetB6", 528, 43_265_136, 38_135_187_072),
            "efficientnet_b7": ("EfficientNetB7", 600, 66_658_680, 75_491_768_384),
        },
    ),
    "efficientnet_v2": _Family(
        "EfficientNet with full convolutions in its first stages",
        "Tan and Le, arXiv:2104.00298",
        preprocessing.TORCH,
        {
            "efficientnet_v2_b0": ("EfficientNetV2B0", 224, 7_200_312, 1_436_172_352),
            "efficientnet_v2_b1": ("EfficientNetV2B1", 240, 8_212_124, 2_393_638_720),
            "efficientnet_v2_b2": ("EfficientNetV2B2", 260, 10_178_374, 3_395_085_664),
            "efficientnet_v2_b3": ("EfficientNetV2B3", 300, 14_467_622, 6_022_917_632),
        },
    ),
    "efficientnet_v2_large": _Family(
        "EfficientNet with full convolutions in its first stages",
        "Tan and Le, arXiv:2104.00298",
        preprocessing.SIGNED,
        {
            "efficientnet_v2_s": ("EfficientNetV2S", 384, 21_612_360, 16_731_234_304),
            "efficientnet_v2_m": ("EfficientNetV2M", 480, 54_431_388, 49_164_920_768),
            "efficientnet_v2_l": ("EfficientNetV2L", 480, 119_027_848, 112_159_398_016),
        },
    ),
    "convnext": _Family(
        "wide depthwise convolutions and layer normalization, after Swin",
        "Liu et al., arXiv:2201.03545",
        preprocessing.TORCH,
        {
            "convnext_tiny": ("ConvNeXtTiny", 224, 28_589_128, 8_911_062_528),
            "convnext_small": ("ConvNeXtSmall", 224, 50_223_688, 17_367_424_512),
            "convnext_base": ("ConvNeXtBase", 224, 88_591_464, 30_709_458_944),
            "convnext_large": ("ConvNeXtLarge", 224, 197_767_336, 68_722_867_200),
            "convnext_xlarge": ("ConvNeXtXLarge", 224, 350_196_968, 121_842_061_312),
        },
    ),
}

# Our name -> the function of `keras.applications`.
KERAS_NAMES = {
    name: network[0]
    for family in _FAMILIES.values()
    for name, network in family.networks.items()
}


def _entry(name: str, family_name: str) -> ModelEntry:
    family = _FAMILIES[family_name]
    keras_name, image_size, num_parameters, flops = family.networks[name]
    return ModelEntry(
        module="kerastpu.models.applications",
        builder="build_application",
        variant=name,
        description=f"{keras_name}: {family.description}",
        preprocessing=family.preprocessing,
        source=f"{family.source}; keras.applications.{keras_name}",
        family=family_name.removesuffix("_large"),
        image_size=image_size,
        num_classes=1000,
        num_parameters=num_parameters,
        flops=flops,
        min_size=family.min_size,
        is_backbone=True,
        weights={"imagenet": KERAS_IMAGENET[name]},
    )


ENTRIES: dict[str, ModelEntry] = {
    name: _entry(name, family_name)
    for family_name, family in _FAMILIES.items()
    for name in family.networks
}
