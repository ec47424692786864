"""UTT as the released YAML has it, where that differs from the paper.

Wider, six layers of target decoder, batch normalisation in the necks, three frames of a clip, detection trained on the
search frame while the reference has no gradient, all detections as targets, and one map for all crops.
"""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

max_iters = 400_000
dim = 512
attention = dict(embed_dims=dim)
feedforward = dict(embed_dims=dim)
layer = dict(self_attn_cfg=attention, ffn_cfg=feedforward)

model = dict(
    detector=dict(
        neck=dict(out_channels=dim, norm_cfg=dict(_delete_=True, type='BN')),
        encoder=dict(layer_cfg=layer),
        decoder=dict(layer_cfg=dict(cross_attn_cfg=attention, **layer)),
        positional_encoding=dict(num_feats=dim // 2),
        bbox_head=dict(embed_dims=dim),
    ),
    target_encoder=dict(dim=dim),
    target_decoder=dict(dim=dim, num_layers=6, self_attention=True, final_norm=True),
    proposal_decoder=dict(dim=dim),
    target_transformer=dict(dim=dim),
    noisy_boxes=dict(min_iou=0.05),
    associator=dict(type='GIoUAssociator', det_thr=0.4, generalised=True, max_cost=1.2, max_age=10),
    mot_levels='single',
    det_loss_on='search',
    freeze_reference=True,
    mot_reference='matched_pred',
)
clip = dict(type='SampleClipFrames', num_frames=3, max_gap=400)
sot_sets = [
    dict(dataset, pipeline=[clip, *_base_.sot_pipeline[1:]]) for dataset in _base_.sot_dataloader.dataset.datasets
]
# More than twice the frames of a clip; images of COCO, the first set, have one each.
sot_sets = [sot_sets[0], *(dict(dataset, min_visible=7) for dataset in sot_sets[1:])]
train_dataloader = dict(sot=dict(dataset=dict(datasets=sot_sets)))
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.98), weight_decay=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=2000),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=2000, end=max_iters, T_max=max_iters - 2000, eta_min=1e-6),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
