"""UTT with ResNet-50: Deformable DETR finds objects, a target transformer of six iterations follows them.

The width of 256 is that of mmdet's Deformable DETR; the paper does not say it.
"""

neck = dict(
    type='mmdet.ChannelMapper',
    in_channels=[512, 1024, 2048],
    out_channels=256,
    kernel_size=1,
    num_outs=4,
    act_cfg=None,
    # Groups of 8 channels, as in a variant of the release; its final settings have batch normalisation.
    norm_cfg=dict(type='GN', num_groups=32),
)
attention = dict(embed_dims=256, num_heads=8, num_levels=4, num_points=4, dropout=0.1)
feedforward = dict(embed_dims=256, feedforward_channels=1024, ffn_drop=0.1)

model = dict(
    type='UnifiedTracker',
    data_preprocessor=dict(
        type='mmdet.TrackDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    detector=dict(
        type='mmdet.DeformableDETR',
        num_queries=500,
        num_feature_levels=4,
        with_box_refine=True,
        as_two_stage=False,
        backbone=dict(
            type='mmdet.ResNet',
            depth=50,
            num_stages=4,
            out_indices=(1, 2, 3),
            frozen_stages=-1,
            norm_cfg=dict(type='BN', requires_grad=True),
            norm_eval=False,
            style='pytorch',
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
        ),
        neck=neck,
        encoder=dict(num_layers=6, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=feedforward)),
        decoder=dict(
            num_layers=6,
            return_intermediate=True,
            post_norm_cfg=None,
            layer_cfg=dict(
                self_attn_cfg=dict(embed_dims=256, num_heads=8, dropout=0.1),
                cross_attn_cfg=attention,
                ffn_cfg=feedforward,
            ),
        ),
        positional_encoding=dict(num_feats=128, normalize=True, offset=0.0),
        bbox_head=dict(
            type='mmdet.DeformableDETRHead',
            num_classes=1,
            embed_dims=256,
            sync_cls_avg_factor=True,
            loss_cls=dict(type='mmdet.FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=2.0),
            loss_bbox=dict(type='mmdet.L1Loss', loss_weight=5.0),
            loss_iou=dict(type='mmdet.GIoULoss', loss_weight=2.0),
        ),
        train_cfg=dict(
            assigner=dict(
                type='mmdet.HungarianAssigner',
                match_costs=[
                    dict(type='mmdet.FocalLossCost', weight=2.0),
                    dict(type='mmdet.BBoxL1Cost', weight=5.0, box_format='xywh'),
                    dict(type='mmdet.IoUCost', iou_mode='giou', weight=2.0),
                ],
            )
        ),
        test_cfg=dict(max_per_img=500),
    ),
    target_encoder=dict(type='RoITargetEncoder', dim=256, object_size=1),
    target_decoder=dict(type='TargetDecoder', dim=256, num_layers=1, heads=8, feedforward=1024, dropout=0.1),
    proposal_decoder=dict(type='CornerProposalDecoder', dim=256),
    target_transformer=dict(
        type='TargetTransformer',
        dim=256,
        num_iterations=6,
        pool_size=7,
        heads=8,
        feedforward=1024,
        dropout=0.1,
        attention='correlation',
        self_attention=True,
    ),
    box_loss=dict(type='TrackBoxLoss', l1_weight=5.0, giou_weight=2.0, stage_reduction='mean'),
    noisy_boxes=dict(type='NoisyBoxGenerator', min_iou=0.1),  # the paper, appendix B
    search=dict(type='SingleObjectSearch', factor=6.0, size=352),
    associator=dict(type='GIoUAssociator', det_thr=0.4, generalised=False, max_cost=0.9, max_age=10),
    sot_level=1,
    mot_levels='all',
    det_loss_on='reference',
    mot_reference='gt',
    random_reference=True,
)
# A step on single objects leaves out the detection branch, one on many the proposals.
find_unused_parameters = True
sync_bn = 'torch'
