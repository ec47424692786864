"""VDD's detector on SlimCLR's slimmable ResNet at half of its width: adaptation for a device with half the budget."""

_base_ = '../vdd/vdd_demo.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='vlplugins.SlimmableResNet',
        depth=18,
        widths=(1.0, 0.5),
        default_width=0.5,
        # Twice the channels of the demo's backbone, of which half are used.
        base_channels=16,
        stage_blocks=(1, 1),
        out_indices=(0, 1),
        zero_init_residual=False,
    )
)
