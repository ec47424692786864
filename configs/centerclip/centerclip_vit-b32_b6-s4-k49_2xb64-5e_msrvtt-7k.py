"""CenterCLIP on the 7k training split of MSR-VTT."""

_base_ = 'centerclip_vit-b32_b6-s4-k49_2xb64-5e_msrvtt-9k.py'

train_dataloader = dict(dataset=dict(split_file='MSRVTT_train.7k.csv'))
