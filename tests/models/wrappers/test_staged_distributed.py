"""Two processes with an image of each domain are one process with two."""

import pytest
import torch

from tests.helpers.processes import run_distributed

pytest.importorskip('mmdet')

# Sampling draws other numbers in each process, so all anchors and proposals are trained on; and statistics are those
# of a process, so normalisation is in test mode.
ALL = dict(
    train_cfg__rpn__sampler__num=10**6,
    train_cfg__rcnn__sampler__num=10**6,
    target_rois=10**6,
)


def build():
    from tests.helpers.domain_detectors import make_detector, make_wrappers

    detector = make_detector(**ALL)
    for module in detector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    return detector, make_wrappers(detector)


def joined_batch():
    from tests.helpers.domain_detectors import make_batch

    batch = make_batch(2, 2)
    # Equal images in both halves would hide a wrong share: the sources and targets differ.
    return batch


def half(batch, rank):
    """Source ``rank`` and target ``rank`` of a batch of two and two."""
    return {
        key: {
            'source': [values['source'][rank], None],
            'target': [None, values['target'][2 + rank]],
        }
        for key, values in batch.items()
    }


def step(rank, world_size):
    from mmengine.registry import MODEL_WRAPPERS, init_default_scope

    init_default_scope('vlplugins')
    detector, wrappers = build()
    wrapped = MODEL_WRAPPERS.build(
        dict(type='vlplugins.StagedDistributedDataParallel', module=detector, find_unused_parameters=True)
    )
    log = wrapped.train_step(half(joined_batch(), rank), wrappers)
    return {name: value.clone() for name, value in detector.state_dict().items()}, dict(log)


def test_two_processes_equal_one_on_the_joined_batch():
    results = run_distributed(step)
    detector, wrappers = build()
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    log = detector.train_step(joined_batch(), wrappers)
    for key in ('s1.loss_domain_base_target', 's1.loss_domain_specific_source', 's1.loss_domain_pixel_source'):
        assert torch.allclose(log[key], sum(each[1][key] for each in results) / 2, atol=1e-6), key
    # The counts of regions of the two images are nearly, not exactly, equal, and so are their means.
    for domain in ('source', 'target'):
        key = f's2.loss_orth_{domain}'
        assert torch.allclose(log[key], sum(each[1][key] for each in results) / 2, rtol=2e-2), key
    for name, value in results[0][0].items():
        assert torch.equal(value, results[1][0][name]), name
        moved = (detector.state_dict()[name] - before[name]).abs().max()
        assert torch.allclose(value, detector.state_dict()[name], atol=max(0.05 * float(moved), 1e-6)), name
