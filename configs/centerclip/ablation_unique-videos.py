"""Option: no two captions of one video in a batch, where they would count as negatives of each other."""

_base_ = 'centerclip_vit-b32_b6-s4-k49_2xb64-5e_msrvtt-9k.py'

train_dataloader = dict(drop_last=False, batch_sampler=dict(type='UniqueVideoBatchSampler'))
