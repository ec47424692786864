"""Control: the weights are dealt out anew among the generated poses; their distribution stays, their meaning goes."""

_base_ = 'posegu_demo.py'

model = dict(generator=dict(propensity=dict(shuffle=True)))
