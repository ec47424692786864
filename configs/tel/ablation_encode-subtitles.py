"""Variant: the subtitles are encoded in the pipeline, each once, and kept on disk; no text features are extracted."""

_base_ = 'dcin_minilm_30e_tel-text.py'

encoder = dict(
    type='CachedSentenceEncoder',
    encoder=dict(type='TransformerSentenceEncoder', model='minilm'),
    path='data/cache/minilm.npz',
    save_every=64,
)
encode = [dict(type='CleanSubtitles'), dict(type='EncodeSubtitles', encoder=encoder)]
pack = dict(type='PackTemporalInputs', feature_keys=('text',))
train_pipeline = [*encode, dict(type='RandomLineDropout', p=0.1, min_lines=3), dict(type='TemporalCrop'), pack]
test_pipeline = [*encode, pack]
# In the process that trains: workers would each write the cache.
train_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(modalities=(), pipeline=train_pipeline))
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(modalities=(), pipeline=test_pipeline))
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(modalities=(), pipeline=test_pipeline))
