"""Retrieval on the 1,000 test images of Flickr30K without training on it."""

_base_ = [
    '../_base_/models/loupe_swin-l_bert-small.py',
    '../_base_/datasets/karpathy_retrieval.py',
    '../_base_/default_runtime.py',
]

model = dict(test_mode='retrieval')
test_dataloader = dict(
    dataset=dict(
        data_root='data/flickr30k', ann_file='dataset_flickr30k.json', data_prefix=dict(img='flickr30k-images')
    )
)
visualizer = dict(type='RegionPhraseVisualizer')
inferencer = dict(type='VisionLanguageInferencer')
