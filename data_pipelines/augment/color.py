"""Operations that mix the channels of a pixel; gray stays gray."""

import cv2
import numpy as np


def adjust_hsv(image: np.ndarray, hue: float, saturation: float) -> np.ndarray:
    """Returns the image with hues moved and saturation scaled, at most to 1, in HSV.

    As tf.image.adjust_hue and tf.image.adjust_saturation, in one go.

    Args:
        image: uint8 (height, width, 3).
        hue: Share of the color circle, -0.5..0.5; 1/3 turns red to green.
        saturation: Factor, 0 or more: 0 is gray, 1 changes nothing.
    """
    # In float32: 8-bit HSV is off by up to 9 levels. In place: new memory of this
    # size costs more than the arithmetic.
    hsv = image.astype(np.float32)
    cv2.cvtColor(hsv, cv2.COLOR_RGB2HSV, dst=hsv)
    if hue:
        hsv[..., 0] += 360 * (hue % 1)  # degrees; what is above 360 goes round again
    if saturation != 1:
        channel = hsv[..., 1]
        channel *= saturation
        np.minimum(channel, 1, out=channel)
    cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB, dst=hsv)
    return cv2.convertScaleAbs(hsv)  # rounds to uint8; nothing is below 0


def scale_color(image: np.ndarray, factor: float) -> np.ndarray:
    """Returns the image moved from (factor < 1) or away from its gray version.

    As Pillow's ImageEnhance.Color: brightness stays, saturation does not clip.

    Args:
        image: uint8 (height, width, 3).
        factor: 0 is gray, 1 changes nothing.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.addWeighted(image, factor, cv2.merge([gray] * 3), 1 - factor, 0)
