"""UTT on the test videos of MOT16, which find the objects themselves: writes the files of the server."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

mot16 = dict(_base_.mot17_test, data_root='data/MOT16/', ann_file='annotations/test_cocoformat.json')
test_dataloader = dict(
    _delete_=True, **dict(_base_.mot_test_dataloader, dataset=dict(mot16, pipeline=_base_.mot_test_pipeline))
)
test_evaluator = dict(
    _delete_=True, type='MOTMetric', benchmark='MOT16', format_only=True, outfile_prefix='work_dirs/utt/mot16'
)
test_cfg = dict(_delete_=True)
