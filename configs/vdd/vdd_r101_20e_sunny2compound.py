"""VDD: Daytime-sunny to Dusk-rainy and Night-rainy."""

_base_ = [
    '../_base_/models/vdd_faster-rcnn_r101-caffe-c4.py',
    '../_base_/datasets/sunny_to_compound.py',
    '../_base_/schedules/vdd_20e.py',
]
