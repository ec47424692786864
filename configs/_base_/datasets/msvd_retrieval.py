"""MSVD: 1,200 clips with all captions, validated on 100, tested on 670 clips.

data/msvd holds raw-captions.pkl, the three lists, and videos/. The paper chooses the epoch by the test set; here the
validation set does.
"""

_base_ = 'text_video_retrieval.py'

videos = dict(
    type='MSVDRetrievalDataset',
    data_root='data/msvd',
    data_prefix=dict(video='videos'),
    ann_file='raw-captions.pkl',
)
train_dataloader = dict(dataset=dict(split_file='train_list.txt', **videos))
val_dataloader = dict(dataset=dict(split_file='val_list.txt', **videos))
test_dataloader = dict(dataset=dict(split_file='test_list.txt', **videos))
