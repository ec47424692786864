"""Grounding on RefCOCO without boxes of training: accuracy on val, testA and testB."""

_base_ = [
    '../_base_/models/loupe_swin-l_bert-small.py',
    '../_base_/datasets/zero_shot_grounding.py',
    '../_base_/default_runtime.py',
]

model = dict(test_mode='grounding')
test_dataloader = dict(
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(split=split, data_root='data/refcoco', ann_file='refs(unc).p', **_base_.expressions)
            for split in ('val', 'testA', 'testB')
        ],
    )
)
visualizer = dict(type='RegionPhraseVisualizer')
inferencer = dict(type='VisionLanguageInferencer')
