"""Training sets of which a sample may turn out to be of no use."""

import logging
from typing import Any

from mmengine.logging import print_log

from vlplugins.utils.records import RecordError, SkipCounter


class RedrawMixin:
    """For a ``mmengine.dataset.BaseDataset``: where the pipeline returns ``None``, another record is drawn.

    It is counted in :attr:`redrawn`, and told at the first one and at each power of ten. After ``max_refetch`` in a row
    it is an error: the set, or the settings of the pipeline, are to blame.
    """

    def __getitem__(self, idx: Any) -> Any:
        """The sample of a record, in training perhaps of another one.

        Raises:
            RecordError: no use in ``max_refetch`` records in a row.
        """
        if self.test_mode:
            return super().__getitem__(idx)
        self.full_init()
        if 'redrawn' not in self.__dict__:
            self.redrawn = SkipCounter('samples')
        for _ in range(self.max_refetch):
            sample = self.prepare_data(idx)
            if sample is not None:
                return sample
            self.redrawn.add('of no use to the pipeline, others were drawn')
            total = self.redrawn.total
            if total == 10 ** (len(str(total)) - 1):
                print_log(f'{type(self).__name__}: {self.redrawn.summary()}', 'current', logging.WARNING)
            idx = self._rand_another()
        found = f'{self.max_refetch} samples in a row of no use to the pipeline'
        raise RecordError(
            self.ann_file or type(self).__name__, found, 'crops with something to see, pairs with a target'
        )
