"""Pictures of predictions while a model is tested or validated."""

from pathlib import Path
from typing import Any, Optional, Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner

from vlplugins.registry import HOOKS


@HOOKS.register_module()
class PredictionVisualizationHook(Hook):
    """Draws the samples of a test with the visualizer of the config, one PNG each.

    Args:
        out_dir: Folder of the pictures; those of a loop over several sets lie in a folder for each, named after it.
        interval: Draw every n-th sample.

    Raises:
        ValueError: (before the test) the visualizer of the config draws no predictions.
    """

    priority = 'LOW'

    def __init__(self, out_dir: str, interval: int = 1) -> None:
        self.out_dir, self.interval = out_dir, interval
        self._count = 0

    def before_test(self, runner: Runner) -> None:
        """Check the visualizer."""
        # Plotting takes long to import, and most runs draw nothing.
        from vlplugins.visualization.base import TaskVisualizer

        if not isinstance(runner.visualizer, TaskVisualizer):
            raise ValueError(
                f'{type(runner.visualizer).__name__} draws no predictions; set the visualizer of the task, for '
                "classification visualizer=dict(type='ClassificationVisualizer')"
            )
        self._count = 0

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence] = None
    ) -> None:
        """Draw the samples of a batch."""
        batch, current = data_batch['inputs'], getattr(runner.test_loop, 'current', None)
        if isinstance(batch, dict):
            batch = [{name: values[row] for name, values in batch.items()} for row in range(len(outputs))]
        for inputs, sample in zip(batch, outputs):
            if self._count % self.interval == 0:
                index = sample.get('sample_idx', self._count)
                stem = Path(sample.get('img_path', 'sample')).stem
                path = Path(self.out_dir, current or '', f'{index:06d}_{stem}.png')
                runner.visualizer.add_datasample(path.stem, inputs, sample, out_file=str(path))
            self._count += 1
