"""Control: nobody knows which word is the verb and which its object; the words of the nodes are exchanged."""

_base_ = 'visa_demo.py'

load_video, resample, load_graph = {{_base_.load_video}}, {{_base_.resample}}, {{_base_.load_graph}}
tokenize, pack, queries = {{_base_.tokenize}}, {{_base_.pack}}, {{_base_.queries}}
shuffle = dict(type='ShuffleQueryGraph')
jitter = dict(type='ResampleFeatures', num_positions={{_base_.positions}}, jitter=True)
test_pipeline = [load_video, resample, load_graph, shuffle, tokenize, pack]
train_dataloader = dict(dataset=dict(pipeline=[load_video, jitter, load_graph, shuffle, tokenize, pack]))
test_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(
                type='CompositionalGroundingDataset',
                data_root={{_base_.data_root}},
                data_prefix=dict(video='features'),
                ann_file=f'{split}.json',
                graph_file=f'graphs/{split}.json',
                test_mode=True,
                pipeline=test_pipeline,
            )
            for split in ('test_trivial', 'novel_composition', 'novel_word')
        ],
    ),
)
val_dataloader = test_dataloader
