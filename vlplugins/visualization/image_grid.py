"""Pictures side by side: the views of an image, the samples of a batch."""

from typing import Sequence

import numpy as np
from matplotlib.figure import Figure


def image_grid(images: Sequence[np.ndarray], titles: Sequence[str] = (), columns: int = 4) -> Figure:
    """Figure of images, row by row.

    Args:
        images: uint8, RGB ``[H, W, 3]`` or grey ``[H, W]``.
        titles: A title for each, or none.
        columns: Images in a row.

    Raises:
        ValueError: no image.
    """
    if not images:
        raise ValueError('no image to draw')
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.8 * rows), layout='constrained')
    for index, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.axis('off')
        if index < len(images):
            axes.imshow(images[index], cmap='gray', vmin=0, vmax=255)
            if index < len(titles):
                axes.set_title(titles[index], fontsize='small')
    return figure
