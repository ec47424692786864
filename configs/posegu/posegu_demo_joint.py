"""Variant: real and generated poses pass the network together and share the statistics of batch normalisation."""

_base_ = 'posegu_demo.py'

model = dict(mix='joint')
