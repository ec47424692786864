"""LOUPE on public pairs in place of the private ones; retrieval on COCO's validation images meanwhile."""

_base_ = [
    '../_base_/models/loupe_swin-l_bert-small.py',
    '../_base_/datasets/image_text_pairs.py',
    '../_base_/datasets/karpathy_retrieval.py',
    '../_base_/schedules/loupe_adamw_20e.py',
    '../_base_/default_runtime.py',
]

# An untrained encoder would play a meaningless game.
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='loss_weights.tsa', schedule='step', begin=1),
    dict(type='ScheduledValueHook', path='loss_weights.fsa', schedule='step', begin=2),
]

coco = dict(data_root='data/coco', ann_file='dataset_coco.json')
val_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='KarpathyRetrievalDataset', splits=('val',), test_mode=True, pipeline=_base_.karpathy_pipeline, **coco
    ),
)
val_evaluator = dict(type='ImageTextRecall')
val_cfg = dict()
test_dataloader = dict(dataset=coco)
default_hooks = dict(checkpoint=dict(save_best='rsum', rule='greater'))
visualizer = dict(type='RegionPhraseVisualizer')
inferencer = dict(type='VisionLanguageInferencer')
