"""UTT on the test set of LaSOT, judged as its toolkit does."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

test_dataloader = dict(_delete_=True, **_base_.sot_test_dataloader)
test_evaluator = dict(_delete_=True, type='SOTMetric', norm_precision='auc', prefix='sot')
test_cfg = dict(_delete_=True)
