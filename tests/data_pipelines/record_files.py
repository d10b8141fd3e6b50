"""Record files as the codelab, Kaggle and TensorFlow Datasets write them."""

import numpy as np

# The codelab's order, and TensorFlow Datasets' order of the same classes.
CODELAB = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
TFDS = ("dandelion", "daisy", "tulips", "sunflowers", "roses")


def make_example(**fields):
    """A serialized tf.train.Example; bytes, ints and floats by their Python type."""
    import tensorflow as tf

    lists = {
        bytes: lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)),
        int: lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v)),
        float: lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v)),
    }
    feature = {}
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        feature[name] = lists[type(values[0])](values) if values else tf.train.Feature()
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def codelab_example(image, number, /, **changes):
    """The five fields of the codelab; `changes` replaces some, None leaves one out."""
    fields = {
        "image": image,
        "class": number,
        "label": CODELAB[number].encode(),
        "size": [40, 48],
        "one_hot_class": np.eye(5)[number].tolist(),
    }
    kept = {k: v for k, v in {**fields, **changes}.items() if v is not None}
    return make_example(**kept)


def write_records(path, records):
    """Writes serialized examples with TensorFlow's own writer."""
    import tensorflow as tf

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path
