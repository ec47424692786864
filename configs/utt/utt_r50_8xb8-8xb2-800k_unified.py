"""UTT with ResNet-50 on single objects (LaSOT, GOT-10k, TrackingNet, COCO) and many (MOT17, CrowdHuman), by turns."""

_base_ = [
    '../_base_/models/utt_r50.py',
    '../_base_/datasets/sot_clips.py',
    '../_base_/datasets/mot_pairs.py',
    '../_base_/schedules/utt_800k.py',
    '../_base_/default_runtime.py',
]

# Batches of 64 clips and of 16 pairs over 8 GPUs.
train_dataloader = dict(sot={{_base_.sot_dataloader}}, mot={{_base_.mot_dataloader}})
val_dataloader = dict(sot={{_base_.sot_test_dataloader}}, mot={{_base_.mot_test_dataloader}})
val_evaluator = dict(sot=dict(type='SOTMetric', prefix='sot'), mot=dict(type='MOTMetric', prefix='mot'))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
val_cfg = dict(type='MultiSetValLoop')
test_cfg = dict(type='MultiSetTestLoop')
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=10_000))
visualizer = dict(type='TrackingVisualizer')
inferencer = dict(type='TrackingInferencer', scale=(1440, 800))
