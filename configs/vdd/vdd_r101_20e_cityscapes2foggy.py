"""VDD: Cityscapes to Foggy Cityscapes."""

_base_ = [
    '../_base_/models/vdd_faster-rcnn_r101-caffe-c4.py',
    '../_base_/datasets/cityscapes_to_foggy.py',
    '../_base_/schedules/vdd_20e.py',
]

model = dict(
    roi_head=dict(
        invariant=dict(bbox_head=dict(num_classes=8)),
        base=dict(bbox_head=dict(num_classes=8)),
    )
)
