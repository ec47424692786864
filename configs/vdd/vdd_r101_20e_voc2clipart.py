"""VDD: VOC to Clipart1k, its training half; ``_all`` has the protocol of all images."""

_base_ = [
    '../_base_/models/vdd_faster-rcnn_r101-caffe-c4.py',
    '../_base_/datasets/voc_to_clipart.py',
    '../_base_/schedules/vdd_20e.py',
]

model = dict(
    roi_head=dict(
        invariant=dict(bbox_head=dict(num_classes=20)),
        base=dict(bbox_head=dict(num_classes=20)),
    )
)
