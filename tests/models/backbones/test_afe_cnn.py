import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.models.backbones import AFECNN


def small(**kwargs):
    torch.manual_seed(0)
    return AFECNN(**{**dict(stream_channels=(4, 2), widths=(8, 16)), **kwargs})


def images(batch=3, persons=2, channels=6):
    return torch.randn(batch, persons, channels, 16, 10, generator=torch.Generator().manual_seed(1))


def test_parameters_and_sizes_are_those_that_were_planned():
    model = AFECNN()
    assert [sum(p.numel() for p in stream.parameters()) for stream in model.streams] == [326782, 323302, 324172]
    maps = model(torch.randn(1, 2, 24, 64, 25))
    assert [each.shape for each in maps] == [(1, 2, 256, 8, 4)] * 3


def test_absent_persons_are_not_run_and_are_zero():
    model, x = small(), images()
    x[0, 1] = 0
    maps = model(x)
    alone = torch.cat([x[0, :1], x[1], x[2]])[:, None]
    other = small()
    for found, expected in zip(maps, other(alone)):
        flat = found.flatten(0, 1)
        torch.testing.assert_close(flat[[0, 2, 3, 4, 5]], expected[:, 0])
        assert not flat[1].any()
    # The black image did not enter the statistics.
    for one, two in zip(model.buffers(), other.buffers()):
        torch.testing.assert_close(one, two)


def test_dense_is_equal_in_evaluation_and_not_in_training():
    x = images()
    x[0, 1] = 0
    sparse, dense = small(), small(dense=True)
    assert not torch.equal(sparse(x)[0], dense(x)[0])
    sparse, dense = small().eval(), small(dense=True).eval()
    for one, two in zip(sparse(x), dense(x)):
        torch.testing.assert_close(one, two)


def test_nobody_at_all_is_zero_with_a_warning_and_a_backward_pass():
    model = small()
    with pytest.warns(UserWarning, match='no person'):
        maps = model(torch.zeros(2, 2, 6, 16, 10))
    assert [each.shape for each in maps] == [each.shape for each in model(images(2))]
    assert not any(each.any() for each in maps)
    sum(each.sum() for each in maps).backward()
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


def test_streams_share_no_weights_and_persons_do():
    model, x = small().eval(), images()
    changed = x.clone()
    changed[:, :, 4:] += 1
    one, two = model(x), model(changed)
    assert torch.equal(one[0], two[0]) and not torch.equal(one[1], two[1])
    swapped = model(x.flip(1))
    torch.testing.assert_close(swapped[0], one[0].flip(1))


def test_a_single_stream_fits_the_head_of_mmaction2():
    pytest.importorskip('mmaction')
    from mmaction.models import GCNHead

    maps = small(stream_channels=(6,))(images())
    assert isinstance(maps, torch.Tensor) and GCNHead(5, 16, dict(type='mmaction.CrossEntropyLoss'))(maps).shape == (
        3,
        5,
    )


@pytest.mark.parametrize('attention', [None, dict(joint=False, time=True), dict(joint=True, time=False)])
def test_attention_is_switched_off(attention):
    model = small(attention=attention)
    full = sum(p.numel() for p in small().parameters())
    assert sum(p.numel() for p in model.parameters()) < full
    model(images())[0].sum().backward()


def test_gradients_reach_every_parameter():
    model = small(drop_path=0.1)
    sum(each.square().sum() for each in model(images())).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in model.parameters())


def test_initialisation_is_kaiming_with_normalisation_as_identity():
    model = small()
    model.init_weights()
    block = model.streams[0][5]
    weight = block.branch[3].weight
    assert float(weight.std()) == pytest.approx((2 / weight.shape[0]) ** 0.5, rel=0.3)
    assert torch.equal(block.branch[4].weight, torch.ones(8))


def test_normalisation_can_stay_in_evaluation_mode():
    model, x = small(norm_eval=True).train(), images()
    before = [buffer.clone() for buffer in model.buffers()]
    one = model(x)
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers()))
    # Then the clips of a batch do not touch each other: two halves are the whole.
    halves = [model(x[:1]), model(x[1:])]
    torch.testing.assert_close(one[0], torch.cat([half[0] for half in halves]))


def test_half_precision_state_dict_and_compile():
    model, x = small(dense=True).eval(), images()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        low = model(x)
    assert all(each.isfinite().all() for each in low)
    other = AFECNN((4, 2), (8, 16), dense=True).eval()
    other.load_state_dict(model.state_dict(), strict=True)
    torch.testing.assert_close(other(x)[0], model(x)[0])
    compiled = torch.compile(model, backend='eager', fullgraph=True)
    torch.testing.assert_close(compiled(x)[1], model(x)[1])


def test_attention_maps_have_a_pair_for_each_layer():
    model = small().eval()
    maps = model.attention_maps(images())
    assert len(maps) == 2 and len(maps[0]) == 4
    assert maps[0][0][0].shape == (6, 8, 16, 1) and maps[0][-1][1].shape == (6, 16, 1, 5)


def trained(**kwargs):
    """A network whose normalisations and attention are not what they start as."""
    model = small(**kwargs)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    for _ in range(3):
        model(images() * 2 + 1)
    return model.eval()


@pytest.mark.parametrize('options', [{}, dict(attention=None), dict(dense=True), dict(stream_channels=(6,)),
                                     dict(norm_cfg=dict(type='GN', num_groups=2), stream_channels=(4, 2))])  # fmt: skip
@torch.no_grad()
def test_deployed_network_gives_the_same(options):
    model, x = trained(**options), images()
    x[1, 0] = 0
    attention, maps = model.attention_maps(x), model(x)
    model.switch_to_deploy()
    deployed = model(x)
    assert isinstance(deployed, torch.Tensor) == isinstance(maps, torch.Tensor)
    for found, expected in zip(deployed, maps):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for found, expected in zip(model.attention_maps(x), attention):
        for pair, expected_pair in zip(found, expected):
            torch.testing.assert_close(pair, expected_pair, atol=1e-5, rtol=1e-5)
    model.switch_to_deploy()
    assert not model.training and not len(model.streams)
    with pytest.raises(RuntimeError, match='cannot be trained'):
        model.train()


def test_deployed_network_knows_nobody():
    model = trained()
    model.switch_to_deploy()
    with pytest.warns(UserWarning, match='no person'):
        maps = model(torch.zeros(2, 2, 6, 16, 10))
    assert [each.shape for each in maps] == [each.shape for each in trained()(images(2))]


def test_bad_input_is_told():
    with pytest.raises(ValueError, match=r'expected \[N, M, 6, L, V\]'):
        small()(torch.zeros(2, 2, 5, 16, 10))
    with pytest.raises(ValueError, match='odd'):
        small(kernel=(4, 3))
    with pytest.raises(ValueError, match='stream_channels'):
        small(stream_channels=())
    with pytest.raises(ValueError, match='no network'):
        small(widths=())


def gradients_of_share(rank, world_size):
    """Gradients of one process's share of four clips, averaged over processes as DistributedDataParallel does."""
    import torch.distributed as torch_dist

    model, x = small(norm_eval=True).train(), images(4)
    x[1, 1] = 0
    share = slice(rank * 4 // world_size, (rank + 1) * 4 // world_size)
    scores = sum(each.mean(dim=(1, 3, 4)) for each in model(x[share]))
    torch.nn.functional.cross_entropy(scores, torch.tensor([0, 3, 5, 1])[share]).backward()
    gradients = [each.grad.clone() for each in model.parameters()]
    for each in gradients if world_size > 1 else ():
        torch_dist.all_reduce(each)
        each /= world_size
    return gradients


def test_two_processes_equal_one_with_the_statistics_fixed():
    one = gradients_of_share(0, 1)
    for found in run_distributed(gradients_of_share, 2):
        for each, expected in zip(found, one):
            torch.testing.assert_close(each, expected, atol=1e-5, rtol=1e-4)
