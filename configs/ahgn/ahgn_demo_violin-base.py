"""The public baseline of VIOLIN on the clips of the demo."""

_base_ = 'ahgn_demo.py'

model = dict(
    _delete_=True,
    type='ViolinBase',
    data_preprocessor=dict(type='InferenceDataPreprocessor'),
    text_channels=32,
    video_channels=32,
    streams=('video', 'subtitle'),
    hidden=32,
    embed_channels=64,
    dropout=0.1,
)
custom_hooks = [dict(type='EpochSeedHook')]
