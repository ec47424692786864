"""UTT on the test videos of MOT16 with given detections, those of the benchmark or of another detector."""

_base_ = './utt_r50_mot16-private.py'

model = dict(detections='public')
test_dataloader = dict(dataset=dict(pipeline=_base_.mot_public_pipeline))
