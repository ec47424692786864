"""Reference: no token is dropped; each frame goes through all blocks."""

_base_ = 'centerclip_demo.py'

model = dict(video_encoder=dict(token_reducers=[]))
