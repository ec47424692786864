"""Real queries, times and splits of Charades-CG, synthetic features of the videos.

Needs the released annotations; written to disk on first use, when some 2,100 sentences are parsed.
"""

positions = 32
data_root = 'data/synthetic/charades_cg_real_queries'
word_vectors = f'{data_root}/words.npz'
synthetic_data = dict(type='RealQueriesGrounding', root=data_root, folder='../shared/data/Charades-CG')

load_video = dict(type='LoadClipFeatures', modality='video', dim=48)
load_graph = dict(type='LoadQueryGraph', max_tokens=16, max_actions=4, max_atoms=8)
tokenize = dict(type='TokenizeQuery', tokenizer=dict(type='WordTokenizer', vocabulary=word_vectors))
resample = dict(type='ResampleFeatures', num_positions=positions)
pack = dict(type='PackGroundingInputs')
train_pipeline = [load_video, dict(jitter=True, **resample), load_graph, tokenize, pack]
test_pipeline = [load_video, resample, load_graph, tokenize, pack]

queries = dict(type='CompositionalGroundingDataset', data_root=data_root, data_prefix=dict(video='features'))
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(ann_file='train.json', graph_file='graphs/train.json', pipeline=train_pipeline, **queries),
)
test_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                ann_file=f'{split}.json',
                graph_file=f'graphs/{split}.json',
                test_mode=True,
                pipeline=test_pipeline,
                **queries,
            )
            for split in ('test_trivial', 'novel_composition', 'novel_word')
        ],
    ),
)
val_dataloader = test_dataloader
val_evaluator = dict(type='TemporalGroundingMetric')
test_evaluator = val_evaluator
