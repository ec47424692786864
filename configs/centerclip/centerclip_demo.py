"""CenterCLIP on videos of flashing patches: a quarter of the tokens is kept, before any attention; on a CPU."""

_base_ = ['../_base_/datasets/flash_videos.py', '../_base_/default_runtime.py']

max_epochs = 8  # 15 iterations each

model = dict(
    type='TextVideoRetriever',
    data_preprocessor={{_base_.data_preprocessor}},
    video_encoder=dict(
        type='CLIPVisionTransformer',
        img_size=32,
        patch_size=8,
        width=64,
        layers=3,
        heads=4,
        out_dim=64,
        num_frames=6,
        # Before any attention the class token has seen nothing: only patches that are kept tell of the flashes.
        token_reducers=[dict(type='TokenClustering', after_block=0, num_segments=3, num_centers=8)],
        # Positions that spread the tokens compete with the colours while nothing is learned.
        pos_init_std=0.1,
    ),
    text_encoder=dict(type='CLIPTextTransformer', width=64, layers=2, heads=4, out_dim=64),
    head=dict(type='MeanPoolSimilarityHead'),
)

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(custom_keys={'bias': dict(decay_mult=0.0)}),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=1, T_max=7, eta_min=0, convert_to_iter_based=True),
]
custom_hooks = [dict(type='EpochSeedHook'), dict(type='ClampLogitScaleHook')]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=15), checkpoint=dict(interval=4))
visualizer = dict(type='TokenClusterVisualizer')
inferencer = dict(type='TextVideoRetrievalInferencer')
