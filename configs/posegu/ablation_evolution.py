"""Ablation: the mutation of the evolutionary generator: 10 degrees at a chance of 0.3 a bone, without weights."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(
    generator=dict(posture=dict(sigma_deg=10.0, sigma_elev_deg=10.0, mutate_prob=0.3), propensity=None), crm_loss=None
)
