"""GOT-10k; the paper trains on all of `train`, `got10k_vot_train` leaves out what VOT has. No pipelines."""

got10k = dict(type='GOT10kDataset', data_root='data/GOT-10k/', index_file='index.jsonl')
got10k_train = dict(got10k, ann_file='train/list.txt')
got10k_vot_train = dict(got10k_train, subset_file='got10k_vot_train_split.txt')
got10k_val = dict(got10k, ann_file='val/list.txt', test_mode=True)
# Its truth is not public.
got10k_test = dict(got10k, ann_file='test/list.txt', index_file='index_test.jsonl', test_mode=True)
