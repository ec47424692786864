"""Test only: re-ranking by the dual softmax, which uses all test queries at once (label results "+DSL")."""

_base_ = 'centerclip_vit-b32_b6-s4-k49_2xb64-5e_msrvtt-9k.py'

val_evaluator = dict(dual_softmax=True)
test_evaluator = val_evaluator
