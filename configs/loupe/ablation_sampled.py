"""All interactions are sampled, or in closed form; no network estimates them."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(token_estimator=None, semantic_estimator=None)
