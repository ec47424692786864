"""LSMDC 2016: all clips of the training films, tested on the 1,000 of the challenge.

data/lsmdc holds the annotation files and videos/<film>/<clip>.avi. As in the paper, the epoch is chosen by the test
set.
"""

_base_ = 'text_video_retrieval.py'

videos = dict(type='LSMDCRetrievalDataset', data_root='data/lsmdc', data_prefix=dict(video='videos'))
train_dataloader = dict(dataset=dict(ann_file='LSMDC16_annos_training.csv', **videos))
val_dataloader = dict(dataset=dict(ann_file='LSMDC16_challenge_1000_publictect.csv', **videos))
test_dataloader = val_dataloader
