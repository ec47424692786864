"""UTT on patches that jump and figures that pass each other; on a CPU, from random weights, in a minute or two."""

_base_ = [
    '../_base_/models/utt_r18.py',
    '../_base_/datasets/tracking_videos.py',
    '../_base_/default_runtime.py',
]

dim, heads = 32, 4
# Windows of 4 box sizes, 64 pixels large: a target has 16, two places of the map of stride 8. Neither flips nor changes
# of colour: looks are all that tells a target from the other patch.
size, factor = 64, 4.0
crops = dict(type='vlplugins.BoxCrops', finest_scale=24)
attention = dict(embed_dims=dim, num_heads=heads, dropout=0.0)
feedforward = dict(embed_dims=dim, feedforward_channels=64, ffn_drop=0.0)
layer = dict(self_attn_cfg=attention, ffn_cfg=feedforward)

model = dict(
    data_preprocessor=dict(mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=False),
    detector=dict(
        num_queries=20,
        backbone=dict(base_channels=16, zero_init_residual=False, init_cfg=None),
        neck=dict(in_channels=[32, 64, 128], out_channels=dim, norm_cfg=dict(num_groups=4)),
        encoder=dict(num_layers=1, layer_cfg=layer),
        decoder=dict(num_layers=2, layer_cfg=dict(cross_attn_cfg=attention, **layer)),
        positional_encoding=dict(num_feats=dim // 2),
        bbox_head=dict(embed_dims=dim),
        test_cfg=dict(max_per_img=20),
    ),
    target_encoder=dict(dim=dim, crops=crops),
    target_decoder=dict(dim=dim, heads=heads, feedforward=64, dropout=0.0),
    proposal_decoder=dict(dim=dim),
    target_transformer=dict(
        dim=dim, num_iterations=3, pool_size=5, heads=heads, feedforward=64, dropout=0.0, crops=crops
    ),
    search=dict(size=size, factor=factor),
    sot_level=0,
    # A Deformable DETR from random weights finds nothing within a few hundred steps.
    detections='public',
)

train_dataloader = dict(
    sot=dict(
        dataset=dict(
            pipeline=[
                *_base_.sot_pipeline[:2],
                dict(type='JitteredCrop', size=size, factor=factor, center_jitter=3.6, scale_jitter=0.25, stride=8),
                dict(type='PackSOTInputs'),
            ]
        )
    ),
)
val_dataloader = dict(_delete_=True, sot={{_base_.val_dataloader}}, mot={{_base_.test_dataloader}})
val_evaluator = dict(_delete_=True, sot={{_base_.val_evaluator}}, mot={{_base_.test_evaluator}})
test_dataloader = val_dataloader
test_evaluator = val_evaluator
val_cfg = dict(type='MultiSetValLoop')
test_cfg = dict(type='MultiSetTestLoop')

max_iters = 900  # 450 of each task
optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=1e-4, fused=True),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=90),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=90, end=max_iters, T_max=max_iters - 90, eta_min=1e-5),
]
train_cfg = dict(type='AlternatingTrainLoop', max_iters=max_iters, order=('sot', 'mot'), val_interval=max_iters)
log_processor = dict(by_epoch=False)
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(by_epoch=False, interval=max_iters))
visualizer = dict(type='TrackingVisualizer')
inferencer = dict(type='TrackingInferencer')
