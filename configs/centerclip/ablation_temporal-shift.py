"""Ablation: temporal shift of the patch tokens (TSM); no token is dropped."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msrvtt-9k.py'

model = dict(video_encoder=dict(token_reducers=[dict(type='TemporalShift', after_block=6, fold_div=8)]))
