"""ResNet v1 as MXNet's Gluon has it."""

from kerastpu.models import preprocessing
from kerastpu.models.entry import ModelEntry

ENTRIES: dict[str, ModelEntry] = {
    "resnet50_v1": ModelEntry(
        module="kerastpu.models.resnet_v1",
        builder="build_resnet50_v1",
        description="ResNet-50 v1 of the ONNX Model Zoo: as Gluon builds it",
        preprocessing=preprocessing.DLPY,
        source="He et al., arXiv:1512.03385; MXNet Gluon model zoo, resnet50_v1",
        family="resnet_v1",
        image_size=224,
        num_classes=1000,
        num_parameters=25_629_032,
        flops=7_715_946_496,
        min_size=32,
        is_backbone=True,
    ),
}
