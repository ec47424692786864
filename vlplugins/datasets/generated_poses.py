"""Generated poses as a data set."""

from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.registry import DATASETS, MODELS
from vlplugins.structures.skeleton_layout import H36M16


@DATASETS.register_module()
class GeneratedPoseDataset(BaseDataset):
    """Poses that a generator makes of the seeds of another data set; as many as that has poses, times ``ratio``.

    Records are those of :class:`PoseLiftingDataset`, with ``weight`` and ``is_generated``: it stands beside a real set
    in a ``ConcatDataset``, or alone in a config of mmpose. Poses lie in shared memory; :meth:`regenerate` replaces them
    in place, so that workers that stay alive read the new ones.

    Args:
        seeds: Config of the data set that gives the seeds.
        generator: Config of the generator.
        ratio: Poses for each pose of ``seeds``.
        size: Number of poses, in place of ``ratio``.
        image_size: Width and height of the picture that 2D poses are given in.
        seed: Seed of the first poses.
        name: Name of the set in metrics.
        batch_size: Poses at a time.
        max_rounds: Attempts to fill the set.
        pipeline: Transforms.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        ValueError: a size below 1; (when filled) hardly any pose is accepted.
    """

    METAINFO = dict(layout='h36m16')

    def __init__(
        self,
        seeds: Dict[str, Any],
        generator: Dict[str, Any],
        ratio: float = 1.0,
        size: Optional[int] = None,
        image_size: Sequence[float] = (1000, 1000),
        seed: int = 0,
        name: str = 'generated',
        batch_size: int = 4096,
        max_rounds: int = 20,
        pipeline: Sequence[Union[dict, Callable]] = (),
        **kwargs: Any,
    ) -> None:
        self.seeds_cfg, self.generator_cfg = seeds, generator
        self.ratio, self.size, self.image_size = ratio, size, tuple(map(float, image_size))
        self.seed, self.name, self.batch_size, self.max_rounds = seed, name, batch_size, max_rounds
        self.arrays: Dict[str, torch.Tensor] = {}
        super().__init__(pipeline=list(pipeline), serialize_data=False, **kwargs)

    def load_data_list(self) -> List[int]:
        """Make the first poses."""
        source = DATASETS.build({**self.seeds_cfg, 'lazy_init': False})
        poses, cameras = source.seed_poses()
        self.generator = MODELS.build(self.generator_cfg).eval()
        self.generator.set_seeds(torch.as_tensor(poses), torch.as_tensor(cameras))
        count = self.size if self.size is not None else round(self.ratio * len(poses))
        if count < 1:
            raise ValueError(f'{count} generated poses (size {self.size}, ratio {self.ratio}); expected at least 1')
        shapes = dict(pose3d=(16, 3), pose2d=(16, 2), camera=(9,), weight=())
        self.arrays = {name: torch.zeros(count, *shape).share_memory_() for name, shape in shapes.items()}
        self.regenerate(self.seed)
        return list(range(count))

    def regenerate(self, seed: int) -> float:
        """Replace all poses; returns the share of views that were rejected at first.

        Raises:
            ValueError: fewer poses were accepted in ``max_rounds`` rounds than there should be.
        """
        self.full_init() if not self.arrays else None
        rng = torch.Generator().manual_seed(seed)
        count, filled, rates = len(self.arrays['weight']), 0, []
        for _ in range(self.max_rounds + count // self.batch_size):
            with torch.no_grad():
                made = self.generator(min(self.batch_size, max(2 * (count - filled), 64)), rng)
            rates.append(float(made.first_rejected))
            made = made.compact()
            taken = min(len(made.weight), count - filled)
            for name, array in self.arrays.items():
                array[filled : filled + taken] = getattr(made, name)[:taken]
            filled += taken
            if filled == count:
                print_log(
                    f'{self.name}: {count} poses, {100 * np.mean(rates):.1f} % of the views drawn again',
                    logger='current',
                )
                return float(np.mean(rates))
        raise ValueError(
            f'{self.name}: {filled} of {count} poses were accepted; the view, the box or the camera of the generator '
            'leaves hardly any body inside the picture'
        )

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """The record of an index."""
        row = self.data_list[idx]
        width, height = self.image_size
        camera = self.arrays['camera'][row].numpy()
        offset = np.array([1, height / width], dtype=np.float32)
        pixels = (self.arrays['pose2d'][row].numpy() + offset) * (width / 2)
        return dict(
            sample_idx=idx,
            id=row,
            category_id=1,
            keypoints=pixels[None].astype(np.float32),
            keypoints_visible=np.ones((1, 16), dtype=np.float32),
            lifting_target=self.arrays['pose3d'][row].numpy()[None].copy(),
            lifting_target_visible=np.ones((1, 16), dtype=np.float32),
            image_size=self.image_size,
            flip_indices=list(H36M16.flip_indices),
            dataset=self.name,
            subject='generated',
            action='generated',
            source=f'{self.name}, pose {row}',
            target_img_path=[f'S0_generated.0_{row:06d}.jpg'],
            camera=camera.copy(),
            camera_param=dict(
                f=camera[:2, None] * width / 2,
                c=(camera[2:4] + offset)[:, None] * width / 2,
                k=camera[4:7, None],
                p=camera[7:, None],
                w=width,
                h=height,
            ),
            weight=float(self.arrays['weight'][row]),
            is_generated=True,
        )
