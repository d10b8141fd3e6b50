"""TensorFlow operations on single images: decode, crop, augment.

Each is checked against its Pillow or NumPy reference in `resize` and `augment`.
"""

import math

import tensorflow as tf

from data_pipelines.augment import Augment

_NUM_UNIFORMS = 6  # area, ratio, left, top, flip, saturation


def decode(data: tf.Tensor) -> tf.Tensor:
    """Returns the uint8 (height, width, 3) pixels, 0..255, of a stored image.

    Args:
        data: string (), JPEG or 8-bit PNG, gray or RGB.
    """
    return tf.cond(
        tf.io.is_jpeg(data),
        lambda: tf.io.decode_jpeg(data, channels=3),
        lambda: tf.io.decode_png(data, channels=3),
    )


def center_image(image: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the centered square as uint8 (size, size, 3), static shape.

    The reference is `resize.fill_resize_center_crop`.
    """
    shape = tf.shape(image)
    side = tf.minimum(shape[0], shape[1])
    left, top = (shape[1] - side) // 2, (shape[0] - side) // 2
    return crop_resize(image, (left, top, side, side), size)


def crop_resize(
    image: tf.Tensor, box: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], size: int
) -> tf.Tensor:
    """Returns box = (left, top, width, height) of a uint8 image, as center_image."""
    left, top, width, height = box
    cropped = tf.slice(image, [top, left, 0], [height, width, 3])
    # Without antialiasing: with it, resizing takes three times as long.
    resized = tf.image.resize(cropped, [size, size], antialias=False)
    return tf.ensure_shape(tf.cast(tf.round(resized), tf.uint8), [size, size, 3])


def crop_box(
    shape: tf.Tensor, uniforms: tf.Tensor, augment: Augment
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns (left, top, width, height), int32, of a random resized crop.

    Args:
        shape: int32 (3,), of the image.
        uniforms: float32 (4 or more,) in 0..1, meant as for `augment.crop_box`, the
            reference.
        augment: Gives the ranges.
    """
    (low, high), (thin, wide) = augment.crop_scale or (1.0, 1.0), augment.crop_ratio
    height, width = shape[0], shape[1]
    area = tf.cast(height * width, tf.float32) * (low + (high - low) * uniforms[0])
    ratio = tf.exp(math.log(thin) + math.log(wide / thin) * uniforms[1])

    def fit(length: tf.Tensor, limit: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(tf.cast(tf.round(length), tf.int32), 1, limit)

    def place(uniform: tf.Tensor, room: tf.Tensor) -> tf.Tensor:
        # float32 may round up to room + 1.
        start = tf.cast(uniform * tf.cast(room + 1, tf.float32), tf.int32)
        return tf.minimum(start, room)

    crop_width = fit(tf.sqrt(area * ratio), width)
    crop_height = fit(tf.sqrt(area / ratio), height)
    left = place(uniforms[2], width - crop_width)
    top = place(uniforms[3], height - crop_height)
    return left, top, crop_width, crop_height


def augment_image(
    image: tf.Tensor, size: int, augment: Augment, seed: tf.Tensor
) -> tf.Tensor:
    """Returns an augmented image, uint8 (size, size, 3): a pure function of `seed`.

    Args:
        image: uint8 (height, width, 3), 0..255.
        size: Side of the result in pixels.
        augment: The policy.
        seed: int64 (2,).
    """
    uniforms = tf.random.stateless_uniform([_NUM_UNIFORMS], seed)
    if augment.crop_scale is None:
        image = center_image(image, size)
    else:
        image = crop_resize(image, crop_box(tf.shape(image), uniforms, augment), size)
    if augment.flip:
        image = tf.cond(uniforms[4] < 0.5, lambda: image[:, ::-1], lambda: image)
    if augment.saturation is not None:
        low, high = augment.saturation
        image = tf.image.adjust_saturation(image, low + (high - low) * uniforms[5])
    return tf.ensure_shape(image, [size, size, 3])
