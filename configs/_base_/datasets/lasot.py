"""LaSOT, protocol II: 1 120 sequences for training, 280 for tests; each a record. No pipelines, see `sot_clips.py`."""

lasot = dict(type='LaSOTDataset', data_root='data/LaSOT/')
lasot_train = dict(lasot, ann_file='training_set.txt', index_file='index.jsonl')
lasot_test = dict(lasot, ann_file='testing_set.txt', index_file='index.jsonl', test_mode=True)
