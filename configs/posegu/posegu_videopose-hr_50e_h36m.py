"""PoseGU, with VideoPose of one frame and 2D poses detected by HRNet."""

_base_ = 'posegu_videopose_50e_h36m.py'

keypoint_file = 'data_2d_h36m_hr.npz'
train_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
test_dataloader = val_dataloader
