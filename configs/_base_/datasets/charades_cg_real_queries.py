"""Real queries, times and splits of Charades-CG, synthetic features of the videos.

Needs the released annotations; written to disk on first use, when some 2,100 sentences are parsed.
"""

_base_ = 'compositional_grounding_tiny.py'

positions = 32
data_root = 'data/synthetic/charades_cg_real_queries'
word_vectors = f'{data_root}/words.npz'
synthetic_data = dict(_delete_=True, type='RealQueriesGrounding', root=data_root, folder='../shared/data/Charades-CG')

load_graph = dict(type='LoadQueryGraph', max_tokens=16, max_actions=4, max_atoms=8)
tokenize = dict(type='TokenizeQuery', tokenizer=dict(type='WordTokenizer', vocabulary=word_vectors))
resample = dict(type='ResampleFeatures', num_positions=positions)
train_pipeline = [_base_.load_video, dict(jitter=True, **resample), load_graph, tokenize, _base_.pack]
test_pipeline = [_base_.load_video, resample, load_graph, tokenize, _base_.pack]

splits = [dict(split, data_root=data_root, pipeline=test_pipeline) for split in _base_.test_dataloader.dataset.datasets]
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(datasets=splits))
val_dataloader = test_dataloader
