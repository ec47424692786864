"""What data sets do about records that cannot be read."""

from typing import Any

from mmengine.dataset import BaseDataset

from vlplugins.utils.records import RecordError, SkipCounter


class SkipBadDataset(BaseDataset):
    """A data set that may replace unreadable records.

    Args:
        skip_bad: In training replace an unreadable record by another one, and count it, instead of stopping. In test
            mode an unreadable record is always an error: leaving it out would change the metric.
        kwargs: Arguments of MMEngine's ``BaseDataset``.
    """

    def __init__(self, skip_bad: bool = False, **kwargs: Any) -> None:
        self.skip_bad, self.skipped = skip_bad, SkipCounter('images')
        super().__init__(**kwargs)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on a record; ``None`` for an unreadable one that may be replaced by another.

        Raises:
            RecordError: an unreadable record that must not be replaced.
        """
        try:
            return super().prepare_data(idx)
        except RecordError as error:
            if not self.skip_bad or self.test_mode:
                raise
            self.skipped.add(f'unreadable ({error.file})')
            self.skipped.log()
            return None
