"""Ablation: eight edges of each node, chosen by the statement."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(local_graph=dict(topk=8), segment_graph=dict(topk=8))
