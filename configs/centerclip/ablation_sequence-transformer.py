"""Ablation: a transformer over the segments (seqTransf of CLIP4Clip)."""

_base_ = 'centerclip_vit-b32_b6-s4-k49_2xb64-5e_msrvtt-9k.py'

model = dict(head=dict(temporal='transformer'))
# New modules learn at 5e-3; the longest key that fits a name holds alone, so biases are named with their block.
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'head.transformer': dict(lr_mult=1000.0),
            'head.positional_embedding': dict(lr_mult=1000.0),
            **{
                f'head.transformer.resblocks.{block}.{name}': dict(lr_mult=1000.0, decay_mult=0.0)
                for block in range(4)
                for name in ('attn.in_proj_bias', 'attn.out_proj.bias', 'ln_1.bias', 'ln_2.bias')
            },
            **{
                f'head.transformer.resblocks.{block}.mlp.{name}.bias': dict(lr_mult=1000.0, decay_mult=0.0)
                for block in range(4)
                for name in ('c_fc', 'c_proj')
            },
        }
    )
)
