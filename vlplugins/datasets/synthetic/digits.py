"""Real scans of handwritten digits as a folder of images, in the layout of ImageNet."""

from pathlib import Path

import cv2
import numpy as np

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.optional import require


@TASK_UTILS.register_module()
class SyntheticDigits(SyntheticDataset):
    """Writes scikit-learn's 1,797 handwritten digits as grey PNG files of 8 x 8 pixels.

    Nothing is planted: these are real scans (the UCI set "Optical Recognition of Handwritten Digits"), in ten classes
    of about 178. The label is in the folder name and in the annotation files alone; file numbers follow the order of
    the source, which mixes classes. Chance is 10 %. A random network followed by a linear classifier on all labels
    reaches over 90 %, so methods are compared with few labels.

    Layout: ``{train,val}/{0..9}/digit_{index:04d}.png``, ``{train,val}.txt`` (lines ``path label``), ``meta.txt`` (one
    class name a line). The split is stratified.

    Args:
        root: Folder of the set.
        num_val: Validation images of the 1,797.
        seed: Seed of the split.
    """

    def __init__(self, root: str, num_val: int = 360, seed: int = 0) -> None:
        super().__init__(root, seed)
        if not 10 <= num_val <= 1787:
            raise ValueError(f'num_val {num_val} must leave 10 of 1,797 images on each side')
        self.num_val = num_val

    def write(self, folder: Path) -> None:
        """Write images, annotation files and class names."""
        datasets = require('sklearn.datasets', 'SyntheticDigits')
        selection = require('sklearn.model_selection', 'SyntheticDigits')
        digits = datasets.load_digits()
        # 0..16 to the 8 bits of an image file
        images = np.round(digits.images * 255 / 16).astype(np.uint8)
        train, val = selection.train_test_split(
            np.arange(len(images)), test_size=self.num_val, stratify=digits.target, random_state=self.seed
        )
        for split, indices in (('train', train), ('val', val)):
            lines = []
            for index in np.sort(indices):
                label = int(digits.target[index])
                path = folder / split / str(label) / f'digit_{index:04d}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), images[index])
                lines.append(f'{path.relative_to(folder)} {label}\n')
            (folder / f'{split}.txt').write_text(''.join(lines), encoding='utf-8')
        (folder / 'meta.txt').write_text(''.join(f'{name}\n' for name in range(10)), encoding='utf-8')
