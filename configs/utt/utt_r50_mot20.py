"""UTT on the test videos of MOT20: writes the files of the server."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

mot20 = dict(_base_.mot17_test, data_root='data/MOT20/', ann_file='annotations/test_cocoformat.json')
test_dataloader = dict(
    _delete_=True, **dict(_base_.mot_test_dataloader, dataset=dict(mot20, pipeline=_base_.mot_test_pipeline))
)
test_evaluator = dict(
    _delete_=True, type='MOTMetric', benchmark='MOT20', format_only=True, outfile_prefix='work_dirs/utt/mot20'
)
test_cfg = dict(_delete_=True)
