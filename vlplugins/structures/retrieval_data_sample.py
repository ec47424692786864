"""The sample of text-video retrieval: one video and the captions that belong to it."""

from typing import List

from mmengine.structures import BaseDataElement


class RetrievalDataSample(BaseDataElement):
    """A video, its captions, and what a model makes of both.

    Meta information: ``video_path``, ``video_id``, ``video_index`` (integer, one per distinct video of the set),
    ``text_indices`` (integers, one per caption, distinct over the set), ``captions`` (strings). Data fields after
    prediction: ``video_feature [E]`` and ``text_features [C, E]`` (float tensors of unit norm), ``logit_scale`` (scalar
    tensor, the logarithm of the factor of their cosines).
    """

    def set_captions(self, captions: List[str], text_indices: List[int]) -> 'RetrievalDataSample':
        """Set captions and their indices.

        Raises:
            ValueError: not one index per caption.
        """
        captions, text_indices = list(captions), [int(index) for index in text_indices]
        if len(captions) != len(text_indices):
            raise ValueError(f'{len(captions)} captions have {len(text_indices)} text_indices; expected one for each')
        self.set_metainfo(dict(captions=captions, text_indices=text_indices))
        return self
