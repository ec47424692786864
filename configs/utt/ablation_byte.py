"""UTT with the associator of ByteTrack, the second of the release."""

_base_ = './utt_r18_100k_unified.py'

model = dict(
    target_transformer=dict(output_score=True),
    associator=dict(_delete_=True, type='ByteAssociator'),
)
