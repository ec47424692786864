"""After the warm-up estimates are always trusted."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(token_estimator=dict(mode='neural'), semantic_estimator=dict(mode='neural'))
