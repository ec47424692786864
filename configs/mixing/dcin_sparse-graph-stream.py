"""TEL's model on a stream of graph layers whose edges are chosen by their scores, as AHGN's can be."""

_base_ = 'dcin_graph-stream.py'

# Of the line itself, the next and the previous one, two.
model = dict(branches=dict(video=dict(coarse=dict(topk=2)), text=dict(coarse=dict(topk=2))))
