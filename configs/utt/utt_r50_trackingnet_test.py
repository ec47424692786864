"""UTT on the test set of TrackingNet: writes the files of its server."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

test_dataloader = dict(
    _delete_=True,
    **dict(_base_.sot_test_dataloader, dataset=dict(_base_.trackingnet_test, pipeline=_base_.sot_test_pipeline)),
)
test_evaluator = dict(_delete_=True, type='SOTMetric', format_only=True, outfile_prefix='work_dirs/utt/trackingnet')
test_cfg = dict(_delete_=True)
