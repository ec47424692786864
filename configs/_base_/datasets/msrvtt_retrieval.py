"""MSR-VTT: training-9k (180,000 pairs), tested on 1k-A.

data/msrvtt holds MSRVTT_data.json, the lists of both splits, and videos/, made by tools/dataset_converters/
compress_videos.py. As in the paper, the epoch is chosen by the test set.
"""

_base_ = 'text_video_retrieval.py'

videos = dict(type='MSRVTTRetrievalDataset', data_root='data/msrvtt', data_prefix=dict(video='videos'))
train_dataloader = dict(dataset=dict(ann_file='MSRVTT_data.json', split_file='MSRVTT_train.9k.csv', **videos))
val_dataloader = dict(dataset=dict(split_file='MSRVTT_JSFUSION_test.csv', **videos))
test_dataloader = val_dataloader
