"""CLIP4Clip (meanP) on MSR-VTT, the baseline of CenterCLIP: no token is dropped."""

_base_ = [
    '../_base_/models/clip_retriever_vit-b32.py',
    '../_base_/datasets/msrvtt_retrieval.py',
    '../_base_/schedules/clip_finetune_5e.py',
    '../_base_/default_runtime.py',
]

model = dict(data_preprocessor={{_base_.data_preprocessor}})
custom_hooks = [dict(type='EpochSeedHook'), dict(type='ClampLogitScaleHook')]
default_hooks = dict(checkpoint=dict(save_best='t2v/R@1', rule='greater'))
randomness = dict(seed=42)
auto_scale_lr = dict(base_batch_size=128, enable=False)
inferencer = dict(type='TextVideoRetrievalInferencer')
