"""UTT on the test set of GOT-10k: writes the files of its server."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

test_dataloader = dict(
    _delete_=True,
    **dict(_base_.sot_test_dataloader, dataset=dict(_base_.got10k_test, pipeline=_base_.sot_test_pipeline)),
)
test_evaluator = dict(_delete_=True, type='GOT10kMetric', format_only=True, outfile_prefix='work_dirs/utt/got10k')
test_cfg = dict(_delete_=True)
