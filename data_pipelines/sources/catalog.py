"""The data sets known by name: what each one is, and where it is looked for."""

from dataclasses import dataclass
from functools import partial

from data_pipelines.sources import cifar, mnist
from data_pipelines.sources.folders import data_dir, keras_dir, system_data_dir
from data_pipelines.sources.locations import (
    Drawn,
    Folder,
    Layout,
    Location,
    TfdsCache,
    TfdsDownload,
)
from data_pipelines.sources.npz import from_npz
from data_pipelines.sources.rendered import NUM_RENDERED
from data_pipelines.sources.source import from_folder

_FLOWERS = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
_DIGITS = tuple("0123456789")
# In the order of https://github.com/zalandoresearch/fashion-mnist, "Labels".
_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class NamedSet:
    """A data set that is known by name.

    Attributes:
        title: What its images show.
        num_images: In all, where it is whole.
        num_test: How many of them are its official test images; 0 where it has none,
            and the images' content decides.
        image_size: For people.
        class_names: Its classes; the source that is found says their order.
        locations: Where it is looked for, in this order.
        licence: As its publisher states it; None where none is stated.
    """

    title: str
    num_images: int
    num_test: int
    image_size: str
    class_names: tuple[str, ...]
    locations: tuple[Location, ...]
    licence: str | None = None


_CLASS_FOLDERS = Layout("*/", lambda found: from_folder(found.parent))
_MNIST_NPZ = Layout("mnist.npz", partial(from_npz, class_names=_DIGITS))


def _idx(class_names: tuple[str, ...]) -> Layout:
    return Layout(
        "train-images?idx3-ubyte*",
        lambda found: mnist.from_idx_folder(found.parent, class_names),
    )


_KAGGLE_CSV = Layout(
    "fashion-mnist_train.csv",
    lambda found: mnist.from_csv_folder(found.parent, _CLOTHES),
)
_CIFAR_LAYOUTS = (
    *(
        Layout(f"{folder}data_batch_1.bin", lambda f: cifar.from_cifar_folder(f.parent))
        for folder in ("", "cifar-10-batches-bin/")
    ),
    *(
        Layout(
            f"{folder}data_batch_1", lambda found: cifar.refuse_pickles(found.parent)
        )
        for folder in ("", "cifar-10-batches-py/")
    ),
    _CLASS_FOLDERS,
)
_in_data_dir = partial(Folder, "$KERASTPU_DATA", data_dir)
_in_keras_dir = partial(Folder, "$KERAS_HOME", keras_dir)

# Addresses and lengths are those in TensorFlow Datasets' lists of checksums.
NAMED_SETS = {
    "flowers": NamedSet(
        title="photos of flowers (TensorFlow's flower_photos)",
        num_images=3670,
        num_test=0,
        image_size="photos of many sizes",
        class_names=_FLOWERS,
        locations=(
            _in_data_dir(
                ("flowers", "flower_photos"),
                (Layout("flower_photos/", from_folder), _CLASS_FOLDERS),
            ),
            TfdsCache("tf_flowers"),
            TfdsDownload(
                "tf_flowers",
                "http://download.tensorflow.org/example_images/flower_photos.tgz",
                228_813_984,
            ),
        ),
        licence="Creative Commons, by the photographers whom the LICENSE.txt of "
        "flower_photos lists",
    ),
    "mnist": NamedSet(
        title="handwritten digits",
        num_images=70_000,
        num_test=10_000,
        image_size="28 x 28, gray",
        class_names=_DIGITS,
        locations=(
            _in_data_dir(("mnist",), (_idx(_DIGITS), _MNIST_NPZ)),
            _in_keras_dir(("datasets",), (_MNIST_NPZ,)),
            TfdsCache("mnist"),
            TfdsDownload(
                "mnist",
                "https://storage.googleapis.com/cvdf-datasets/mnist/"
                "train-images-idx3-ubyte.gz",
                9_912_422,
            ),
        ),
        licence="CC BY-SA 3.0, Yann LeCun and Corinna Cortes (keras.datasets.mnist)",
    ),
    "fashion_mnist": NamedSet(
        title="articles of clothing, from Zalando",
        num_images=70_000,
        num_test=10_000,
        image_size="28 x 28, gray",
        class_names=_CLOTHES,
        locations=(
            _in_data_dir(
                ("fashion_mnist", "fashion-mnist"), (_idx(_CLOTHES), _KAGGLE_CSV)
            ),
            Folder(
                "/usr/share/datasets",
                system_data_dir,
                ("fashion-mnist",),
                (_idx(_CLOTHES),),
                "on Debian: apt-get install dataset-fashion-mnist",
            ),
            _in_keras_dir(("datasets/fashion-mnist",), (_idx(_CLOTHES),)),
            TfdsCache("fashion_mnist"),
            TfdsDownload(
                "fashion_mnist",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
                "train-images-idx3-ubyte.gz",
                26_421_880,
            ),
        ),
        licence="MIT, Zalando SE (github.com/zalandoresearch/fashion-mnist)",
    ),
    "cifar10": NamedSet(
        title="small photos of animals and vehicles",
        num_images=60_000,
        num_test=10_000,
        image_size="32 x 32",
        class_names=cifar.CLASS_NAMES,
        locations=(
            _in_data_dir(("cifar10", "cifar-10"), _CIFAR_LAYOUTS),
            TfdsCache("cifar10"),
            TfdsDownload(
                "cifar10",
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                170_052_171,
            ),
        ),
    ),
    "rendered": NamedSet(
        title="flowers drawn by code: no photos",
        num_images=NUM_RENDERED,
        num_test=0,
        image_size="224 x 224",
        class_names=_FLOWERS,
        locations=(Drawn(),),
        licence="Apache-2.0, drawn by the code of kerastpu",
    ),
}
