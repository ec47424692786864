"""VDD: Daytime-sunny to Night-rainy."""

_base_ = [
    '../_base_/models/vdd_faster-rcnn_r101-caffe-c4.py',
    '../_base_/datasets/sunny_to_night_rainy.py',
    '../_base_/schedules/vdd_20e.py',
]
