"""An adversarial generator without weights, in the way of PoseAug, with SimpleBaseline."""

_base_ = [
    '../_base_/models/pose_lifter_simplebaseline.py',
    '../_base_/models/adversarial_pose_generator.py',
    '../_base_/datasets/h36m_lifting.py',
    '../_base_/schedules/adversarial_posegu_50e.py',
]

model = dict(
    type='AdversarialPoseGULifter',
    generator={{_base_.generator}},
    discriminator3d={{_base_.discriminator3d}},
    discriminator2d={{_base_.discriminator2d}},
    lifter_enabled=False,
)
visualizer = dict(type='PoseLiftingVisualizer')
inferencer = dict(type='PoseLiftingInferencer')
