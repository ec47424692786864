import pytest
import torch

from vlplugins.models.backbones import VideoGraphEncoder
from vlplugins.models.backbones.video_graph_encoder import video_roles


def make(**options):
    torch.manual_seed(0)
    options = {'in_channels': 6, 'num_positions': 8, 'num_coarse': 4, 'num_slots': 2, **options}
    return VideoGraphEncoder(dim=16, heads=2, **options).eval()


def test_edges_by_hand():
    roles = video_roles(3, 2)
    expected = torch.zeros(6, 9, 9, dtype=torch.bool)
    # Actions 0, 1, 2; atoms of action t are 3 + 2 t and 4 + 2 t.
    for t in range(3):
        for k in range(2):
            expected[2, t, 3 + 2 * t + k] = expected[3, 3 + 2 * t + k, t] = True
            if t < 2:
                expected[4, 3 + 2 * t + k, 5 + 2 * t + k] = expected[4, 5 + 2 * t + k, 3 + 2 * t + k] = True
        if t < 2:
            expected[0, t, t + 1] = expected[1, t + 1, t] = True
    expected[5] = torch.eye(9, dtype=torch.bool)
    assert torch.equal(roles, expected)


@torch.no_grad()
def test_nodes_equal_a_naive_loop():
    encoder, video = make(layers=0), torch.randn(2, 8, 6)
    nodes = encoder(video)
    mapped = encoder.project(video)
    states = encoder.lstm(mapped + encoder.position_embed, torch.full((2,), 8))
    for t in range(4):
        part = slice(2 * t, 2 * t + 2)
        torch.testing.assert_close(nodes.context_free['action'][:, t], mapped[:, part].mean(dim=1))
        torch.testing.assert_close(nodes.reasoned['action'][:, t], states[:, part].mean(dim=1))
        torch.testing.assert_close(nodes.context_free['atom'][:, t], encoder.slots(mapped[:, None, part])[:, 0])
    actions = nodes.reasoned['action']
    for i in range(4):
        for j in range(4):
            expected = torch.zeros(2, 16)
            if i <= j:
                inside = actions[:, i : j + 1]
                expected = encoder.event_norm(inside.amax(dim=1) + encoder.event_update(inside.mean(dim=1)))
            torch.testing.assert_close(nodes.reasoned['event'][:, i, j], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_context_free_states_know_one_position():
    encoder, video = make(), torch.randn(1, 8, 6)
    before = encoder(video)
    video[:, -1] += 1
    after = encoder(video)
    for level in ('action', 'atom'):
        assert torch.equal(before.context_free[level][:, :3], after.context_free[level][:, :3])
        assert not torch.allclose(before.context_free[level][:, 3], after.context_free[level][:, 3])
        assert not torch.allclose(before.reasoned[level][:, 0], after.reasoned[level][:, 0])


def test_every_parameter_has_a_gradient():
    encoder = make().train()
    nodes = encoder(torch.randn(2, 8, 6))
    targets = [*nodes.reasoned.values(), *nodes.context_free.values()]
    sum((each * torch.randn_like(each)).sum() for each in targets).backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_objects_take_the_place_of_slots():
    encoder = make(object_channels=5)
    assert not any('slots' in name for name, _ in encoder.named_parameters())
    video, objects = torch.randn(2, 8, 6), torch.randn(2, 4, 2, 5)
    nodes = encoder(video, objects)
    torch.testing.assert_close(nodes.context_free['atom'], encoder.objects(objects))
    with pytest.raises(ValueError, match='there are no objects for object_channels=5'):
        encoder(video)
    with pytest.raises(ValueError, match='there are objects for object_channels=None'):
        make()(video, objects)
    with pytest.raises(ValueError, match=r'objects \[2, 4, 3, 5\]'):
        encoder(video, torch.randn(2, 4, 3, 5))


def test_sparse_maps_leave_segments_out():
    options = dict(num_positions=32, num_coarse=32)
    dense, sparse = make(**options), make(sparse=True, **options)
    assert sparse.proposals.sum() < dense.proposals.sum()
    events = sparse(torch.randn(1, 32, 6)).reasoned['event']
    assert not events[0, ~sparse.proposals].any() and events[0, sparse.proposals].any(dim=-1).all()


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match='num_positions 8 must be a multiple of num_coarse 3'):
        make(num_coarse=3)
    with pytest.raises(ValueError, match='num_slots 0'):
        make(num_slots=0)
    with pytest.raises(ValueError, match=r'video features \[B, 7, 6\].*num_positions=8, in_channels=6'):
        make()(torch.randn(2, 7, 6))
