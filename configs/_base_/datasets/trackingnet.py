"""TrackingNet: 30 132 clips in twelve parts for training, 511 for tests, whose truth is not public. No pipelines."""

trackingnet = dict(type='TrackingNetDataset', data_root='data/TrackingNet/')
trackingnet_train = dict(trackingnet, index_file='index.jsonl')
trackingnet_test = dict(trackingnet, parts='TEST', index_file='index_test.jsonl', test_mode=True)
