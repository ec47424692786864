"""UTT on the second halves of the training videos of MOT17, judged here."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

test_dataloader = dict(_delete_=True, **_base_.mot_test_dataloader)
test_evaluator = dict(_delete_=True, type='MOTMetric', prefix='mot')
test_cfg = dict(_delete_=True)
