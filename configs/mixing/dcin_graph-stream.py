"""TEL's model on VISA's graph layer: contexts by exchanges with the next and the previous line, told apart."""

_base_ = '../tel/dcin_demo.py'

stream = dict(_delete_=True, type='GraphContextStream', num_granularities=4, heads=4)
model = dict(branches=dict(video=dict(coarse=stream), text=dict(coarse=stream)))
