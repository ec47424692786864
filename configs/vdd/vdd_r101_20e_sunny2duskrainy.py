"""VDD: Daytime-sunny to Dusk-rainy."""

_base_ = [
    '../_base_/models/vdd_faster-rcnn_r101-caffe-c4.py',
    '../_base_/datasets/sunny_to_dusk_rainy.py',
    '../_base_/schedules/vdd_20e.py',
]
