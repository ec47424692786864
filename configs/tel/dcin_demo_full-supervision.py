"""Full supervision: the training clips with their boundaries; an upper bound for labels of clips."""

_base_ = 'dcin_demo_no-consensus.py'

model = dict(segment_loss=dict(type='SegmentLabelLoss'))
train_dataloader = dict(dataset=dict(ann_file='train_boundaries.json', require_segments=True))
