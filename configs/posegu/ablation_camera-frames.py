"""Ablation: bones turn in the axes of the camera, as in PoseAug."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(codec=dict(frames='camera')))
