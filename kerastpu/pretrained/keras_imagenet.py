"""The files with ImageNet weights of `keras.applications`, and their licences.

Names, addresses and checksums are those in the source of Keras. Licences and origins
are what its documentation states (docs/templates/applications.md in Keras 2); for
networks that came later, those of the repository that released the weights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from kerastpu.pretrained.downloads import Download
from kerastpu.pretrained.published import KerasImagenet

_HOST = "https://storage.googleapis.com"
_FOLDER = "tensorflow/keras-applications"
_KERNELS = "_weights_tf_dim_ordering_tf_kernels"
_MODELS = "Google, tensorflow/models"


@dataclasses.dataclass(frozen=True)
class _Family:
    """Networks whose files are named alike; "{}" stands for the key in `checksums`.

    Attributes:
        name: Our name of a network.
        path: Where its files are published, without the ending.
        terms: Licence of the weights, and who trained them.
        checksums: SHA-256 or MD5 of the files with and without classifier; Keras
            knows none of some.
        without: What comes after `path` for the file without classifier.
        file: What Keras calls a file, if not as in `path`.
        has_hidden_top: See `KerasImagenet`.
    """

    name: str
    path: str
    terms: tuple[str, str]
    checksums: Mapping[str, str]
    without: str = "_notop"
    file: str = ""
    has_hidden_top: bool = False

    def sources(self) -> Iterator[tuple[str, KerasImagenet]]:
        """Yields name and weights of each network."""
        for key, checksums in self.checksums.items():
            whole, backbone = checksums.split() or ("", "")
            yield (
                self.name.format(key),
                KerasImagenet(
                    whole=self._download(key, "", whole),
                    backbone=self._download(key, self.without, backbone),
                    licence=self.terms[0],
                    origin=self.terms[1],
                    has_hidden_top=self.has_hidden_top,
                ),
            )

    def _download(self, key: str, suffix: str, digest: str) -> Download:
        path = self.path.format(key, key) + suffix
        file = path.rpartition("/")[2]
        if self.file:
            file = self.file.format(key) + suffix
            path = path.replace("_no_top", "-no-top")
        return Download(f"{file}.h5", f"{_HOST}/{path}.h5", digest)


_FAMILIES = (
    _Family(
        name="xception{}",
        path=f"{_FOLDER}/xception/xception{{}}{_KERNELS}",
        terms=("MIT", "Keras"),
        checksums={
            "": "0a58e3b7378bc2990ea3b43d5981f1f6 b0042744bf5b25fce3cb969f33bebb97",
        },
    ),
    _Family(
        name="vgg{}",
        path=f"{_FOLDER}/vgg{{}}/vgg{{}}{_KERNELS}",
        terms=("CC-BY-4.0", "VGG, University of Oxford"),
        checksums={
            "16": "64373286793e3c8b2b4e3219cbf3544b 6d6bbae143d832006294945121d1f1fc",
            "19": "cbe5617147190e668d6c5d5026f83318 253f8cb515780f3b799900260a226db6",
        },
        has_hidden_top=True,
    ),
    _Family(
        name="resnet{}",
        path=f"{_FOLDER}/resnet/resnet{{}}{_KERNELS}",
        terms=("MIT", "Kaiming He, deep-residual-networks"),
        checksums={
            "50": "2cb95161c43110f7111970584f804107 4d473c1dd8becc155b73f8504c6f6626",
            "101": "f1aeb4b969a6efcfb50fad2f0c20cfc5 88cf7a10940856eca736dc7b7e228a21",
            "152": "100835be76be38e30d865e96f2aaae62 ee4c566cf9a93f14d82f913c2dc6dd0c",
        },
    ),
    _Family(
        name="resnet{}_v2",
        path=f"{_FOLDER}/resnet/resnet{{}}v2{_KERNELS}",
        terms=("BSD", "Facebook, fb.resnet.torch"),
        checksums={
            "50": "3ef43a0b657b3be2300d5770ece849e0 fac2f116257151a9d068a22e544a4917",
            "101": "6343647c601c52e1368623803854d971 c0ed64b8031c3730f411d2eb4eea35b5",
            "152": "a49b44d1979771252814e80f8ec446f9 ed17cf2e0169df9d443503ef94b23b33",
        },
    ),
    _Family(
        name="inception_{}",
        path=f"{_FOLDER}/inception_{{}}/inception_{{}}{_KERNELS}",
        terms=("Apache-2.0", _MODELS),
        checksums={
            "v3": "9a0d58056eeedaa3f26cb7ebd46da564 bcbd6486424b2319ff4ef7d526e38f63",
            "resnet_v2": (
                "e693bd0210a403b3192acc6073ad2e96 d19885ff4a710c122648d3b5c3b684e4"
            ),
        },
    ),
    _Family(
        name="densenet{}",
        path=f"{_FOLDER}/densenet/densenet{{}}{_KERNELS}",
        terms=("BSD-3-Clause", "Gao Huang et al., liuzhuang13/DenseNet"),
        checksums={
            "121": "9d60b8095a5708f2dcce2bca79d332c7 30ee3e1110167f948a6b9946edeeb738",
            "169": "d699b8f76981ab1b30698df4c175e90b b8c4d4c20dd625c148057b9ff1c1176b",
            "201": "1ceb130c1ea1b78c3bf6114dbdfd8807 c13680b51ded0fb44dff2d8f86ac8bb1",
        },
    ),
    _Family(
        name="efficientnet_{}",
        path="keras-applications/efficientnet{}",
        terms=("Apache-2.0", "Google, tensorflow/tpu"),
        checksums={
            "b0": "902e53a9f72be733fc0bcb005b3ebbac 50bc09e76180e00e4465e1a485ddc09d",
            "b1": "1d254153d4ab51201f1646940f018540 74c4e6b3e1f6a1eea24c589628592432",
            "b2": "b15cce36ff4dcbd00b6dd88e7857a6ad 111f8e2ac8aa800a7a99e3239f7bfb39",
            "b3": "ffd1fdc53d0ce67064dc6a9c7960ede0 af6d107764bb5b1abb91932881670226",
            "b4": "18c95ad55216b8f92d7e70b3a046e2fc ebc24e6d6c33eaebbd558eafbeedf1ba",
            "b5": "ace28f2a6363774853a83a0b21b9421a 38879255a25d3c92d5e44e04ae6cec6f",
            "b6": "165f6e37dce68623721b423839de8be5 9ecce42647a20130c1f39a5d4cb75743",
            "b7": "8c03f828fec3ef71311cd463b6759d99 cbcfe4450ddf6f3ad90b1b398090fe4a",
        },
    ),
    _Family(
        name="efficientnet_v2_{}",
        path=f"{_FOLDER}/efficientnet_v2/efficientnetv2-{{}}",
        terms=("Apache-2.0", "Google, google/automl"),
        checksums={
            "b0": "21ecbf6da12460d5c40bb2f29ceb2188 893217f2bb855e2983157299931e43ff",
            "b1": "069f0534ff22adf035c89e2d9547a9dc 0e80663031ca32d657f9caa404b6ec37",
            "b2": "424e49f28180edbde1e94797771950a7 1dfe2e7a5d45b6632553a8961ea609eb",
            "b3": "1f1fc43bd98a6e4fd8fdfd551e02c7a0 f6abf7b5849ac99a89b50dd3fd532856",
            "s": "e1d88a8495beba45748fedd0cecbe016 af0682fb74e8c54910f2d4393339c070",
            "m": "a3bf6aa3276309f4fc6a34aa114c95cd 1b8dc055df72dde80d614482840fe342",
            "l": "27e6d408b53c7ebc868fefa357689935 b0b66b5c863aef5b46e8608fe1711615",
        },
    ),
    _Family(
        name="mobilenet_v3_{}",
        path=f"{_FOLDER}/mobilenet_v3/weights_mobilenet_v3_{{}}_224_1.0_float",
        terms=("Apache-2.0", _MODELS),
        checksums={
            "small": (
                "8768d4c2e7dee89b9d02b2d03d65d862 d3e8ec802a04aa4fc771ee12a9a9b836"
            ),
            "large": (
                "59e551e166be033d707958cf9e29a6a7 07fb09a5933dd0c8eaafa16978110389"
            ),
        },
        without="_no_top_v2",
        has_hidden_top=True,
    ),
    _Family(
        name="convnext_{}",
        path=f"{_FOLDER}/convnext/convnext_{{}}",
        terms=("MIT", "Meta, facebookresearch/ConvNeXt"),
        checksums={
            "tiny": (
                "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff "
                "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"
            ),
            "small": (
                "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c "
                "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"
            ),
            "base": (
                "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6 "
                "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"
            ),
            "large": (
                "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6 "
                "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"
            ),
            "xlarge": (
                "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee "
                "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"
            ),
        },
    ),
    _Family(
        name="mobilenet{}",
        path=f"{_FOLDER}/mobilenet/mobilenet{{}}_1_0_224_tf",
        terms=("Apache-2.0", _MODELS),
        checksums={
            "": "",
        },
        without="_no_top",
    ),
    _Family(
        name="mobilenet_{}",
        path=f"{_FOLDER}/mobilenet_{{}}/mobilenet_{{}}{_KERNELS}_1.0_224",
        terms=("Apache-2.0", _MODELS),
        checksums={
            "v2": "",
        },
        without="_no_top",
    ),
    _Family(
        name="nasnet_{}",
        path=f"{_FOLDER}/nasnet/NASNet-{{}}",
        terms=("Apache-2.0", _MODELS),
        checksums={
            "mobile": (
                "020fb642bf7360b370c678b08e0adf61 1ed92395b5b598bdda52abe5c0dbfd63"
            ),
            "large": (
                "11577c9a518f0070763c2b964a382f17 d81d89dc07e6e56530c4e77faddd61b5"
            ),
        },
        without="_no_top",
        file="nasnet_{}",
    ),
)

KERAS_IMAGENET: dict[str, KerasImagenet] = {
    name: source for family in _FAMILIES for name, source in family.sources()
}
