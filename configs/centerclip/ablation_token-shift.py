"""Ablation: shift of the class tokens in every block (TokShift); no token is dropped."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msrvtt-9k.py'

model = dict(video_encoder=dict(token_reducers=[dict(type='TokenShift', every_block=True, fold_div=8)]))
