"""The sample of images with texts: phrases, regions, and what a model makes of both."""

from typing import Sequence, Union

from mmengine.structures import BaseDataElement


class RegionPhraseDataSample(BaseDataElement):
    """An image with its text, or several texts.

    Meta information: ``img_path``, ``img_id``, ``ori_shape``, ``img_shape`` (height and width), ``scale_factor`` (width
    and height of the input in those of the file), ``text`` (a string, or a list of them), ``gt_phrases`` (strings),
    ``gt_spans`` (their tokens, start and exclusive end); of retrieval ``image_index`` and ``text_indices``.

    Data fields: ``gt_instances`` (``bboxes [1, 4]``, of the object that the text names) and ``pred_instances``
    (``bboxes [N, 4]``, ``scores [N]``, best first, and ``labels [N]`` of a detection), ``xyxy`` in pixels of the file;
    ``image_feature [D]`` and ``text_features [C, D]`` of length 1.
    """

    def set_phrases(self, phrases: Sequence[str], spans: Sequence[Sequence[int]]) -> 'RegionPhraseDataSample':
        """Set phrases and their tokens.

        Raises:
            ValueError: not one span for each phrase.
        """
        if len(phrases) != len(spans):
            raise ValueError(f'{len(phrases)} phrases have {len(spans)} spans; expected one for each')
        self.set_metainfo(dict(gt_phrases=list(phrases), gt_spans=[tuple(map(int, span)) for span in spans]))
        return self

    @property
    def texts(self) -> list:
        """The texts as a list."""
        text: Union[str, Sequence[str], None] = self.metainfo.get('text')
        return [text] if isinstance(text, str) else list(text or ())
