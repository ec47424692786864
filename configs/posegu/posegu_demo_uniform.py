"""Reference: postures are drawn from the target itself, uniformly within the limits."""

_base_ = 'posegu_demo.py'

model = dict(
    generator=dict(posture=dict(_delete_=True, type='UniformPolicy'), propensity=None),
    crm_loss=None,
)
