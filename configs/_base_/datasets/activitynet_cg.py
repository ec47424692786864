"""ActivityNet-CG: the released splits, C3D features, 128 positions a video, words with their GloVe vectors."""

_base_ = 'compositional_grounding.py'

data_root = 'data/activitynet_cg'
word_vectors = 'data/activitynet_cg/words.npz'
positions = 128
size = dict(max_tokens=50, max_actions=8, max_atoms=20)
words = dict(type='WordTokenizer', vocabulary=word_vectors)

load_video = dict(type='LoadClipFeatures', modality='video', dim=500)
train_pipeline = [
    load_video,
    dict(type='ResampleFeatures', num_positions=positions, jitter=True),
    dict(type='LoadQueryGraph', **size),
    dict(type='TokenizeQuery', tokenizer=words, word_dropout=0.1),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [
    load_video,
    dict(type='ResampleFeatures', num_positions=positions),
    dict(type='LoadQueryGraph', **size),
    dict(type='TokenizeQuery', tokenizer=words),
    dict(type='PackGroundingInputs'),
]

queries = dict(type='ActivityNetCG', data_root=data_root, data_prefix=dict(video='features/c3d'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **queries))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **queries))
test_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(split=split, test_mode=True, pipeline=test_pipeline, **queries)
            for split in ('test_trivial', 'novel_composition', 'novel_word')
        ]
    )
)
