"""Detection without boxes of training: images stretched to the input, prompts of all classes. A config adds the set."""

classes_prompts = dict(
    type='AddClassPrompts',
    prompts='configs/loupe/prompts/coco.json',
    tokenizer=dict(type='WordPiece', vocabulary='data/bert/vocab.txt', context_length=64),
)
detection_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False, interpolation='bicubic'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]
test_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(test_mode=True),
)
test_cfg = dict()
