"""Without the second game: regions and phrases are not aligned."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(loss_alignment=None, semantic_estimator=None)
