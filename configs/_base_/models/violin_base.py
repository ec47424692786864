"""The baseline of VIOLIN with both streams."""

model = dict(
    type='ViolinBase',
    data_preprocessor=dict(type='InferenceDataPreprocessor'),
    text_channels=768,
    video_channels=2048,
    streams=('video', 'subtitle'),
    hidden=150,
    embed_channels=768,
    dropout=0.5,
)
