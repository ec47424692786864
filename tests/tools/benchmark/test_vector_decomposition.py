import pytest
import torch

pytest.importorskip('mmdet')

from tools.benchmark import vector_decomposition as benchmark  # noqa: E402


def test_prints_ratios_after_both_sides_are_the_same(monkeypatch, capsys):
    built = benchmark.MODELS.build

    def build_small(cfg):
        if 'stages' in cfg:
            cfg.decomposer.mid_channels, cfg.target_rois = 4, 4
            cfg.train_cfg.rpn_proposal.update(nms_pre=60, max_per_img=8)
            cfg.train_cfg.rcnn.sampler.num = 4
            cfg.test_cfg.rpn.update(nms_pre=60, max_per_img=4)
            for name in ('base', 'specific'):
                if cfg[f'{name}_classifier']:
                    cfg[f'{name}_classifier'].channels = (8, 128)
        return built(cfg)

    monkeypatch.setattr(benchmark.MODELS, 'build', build_small)
    before = torch.get_num_threads()
    try:
        benchmark.main('--depth 18 --size 144 160 --rounds 1 --warm-up 0 --threads 1 --device cpu'.split())
    finally:
        torch.set_num_threads(before)
    printed = capsys.readouterr().out
    assert 'backbone without / with gradient' in printed and 'one head / both' in printed and '≤ 1.15' in printed
