"""TensorFlow's SavedModel, which TensorFlow Serving and the LiteRT converter take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerastpu.errors import KerastpuError
from kerastpu.export.metadata import INPUT, NAME, OUTPUT, Metadata

if TYPE_CHECKING:
    import keras

SIGNATURE = "serve"  # `serving_default` is the same one
# What lies here is kept with the model and not looked at by TensorFlow:
# tensorflow/cc/saved_model/README.md.
EXTRAS = "assets.extra"


def write(model: keras.Model, metadata: Metadata, path: Path) -> None:
    """Writes a folder with the signature image -> probabilities.

    Args:
        model: Images in, probabilities out; on the TensorFlow backend.
        metadata: Kept as assets.extra/kerastpu.json.
        path: The folder, which must not be there.

    Raises:
        KerastpuError: TensorFlow cannot trace or write the model.
    """
    import keras
    import tensorflow as tf

    def serve(image: Any) -> dict[str, Any]:
        return {OUTPUT: tf.cast(model(image, training=False), tf.float32)}

    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8, name=INPUT)
    # `track` would store the weights a second time: the endpoint brings its own.
    archive = keras.export.ExportArchive()
    try:
        archive.add_endpoint(SIGNATURE, serve, input_signature=[spec])
        archive.write_out(str(path), verbose=False)
    except (ValueError, TypeError, tf.errors.OpError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise KerastpuError(f"TensorFlow cannot save it: {reason}") from error
    extras = path / EXTRAS
    extras.mkdir()
    (extras / NAME).write_text(metadata.to_json(), encoding="ascii")
