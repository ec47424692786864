import torch

from vlplugins.registry import MODELS


def build(**options):
    torch.manual_seed(0)
    cfg = dict(type='PatchEncoder', patch_size=8, hidden=12, width=8, depth=2, heads=2, grid=(2, 3))
    return MODELS.build({**cfg, **options}).eval()


def test_its_halves_are_the_whole():
    model, image = build(), torch.randn(2, 3, 16, 24)
    patches = model.embed(image)
    features = model.encode(patches.flatten(2).transpose(1, 2))
    torch.testing.assert_close(model(image)[0], features.transpose(1, 2).reshape(2, 8, 2, 3))


def test_without_blocks_a_patch_sees_no_other():
    image = torch.randn(1, 3, 16, 24)
    other = image.clone()
    other[..., 8:, 8:] += 1
    for depth, same in ((0, True), (2, False)):
        model = build(depth=depth)
        found, expected = model(other)[0], model(image)[0]
        assert torch.allclose(found[0, :, 0, 0], expected[0, :, 0, 0]) == same
        assert not torch.allclose(found[0, :, 1, 1], expected[0, :, 1, 1])


def test_positions_are_learned_and_every_parameter_has_a_gradient():
    model = build()
    model(torch.randn(2, 3, 16, 24))[0].square().sum().backward()
    assert all(each.grad.abs().sum() > 0 for each in model.parameters())
    assert build(grid=None).position is None
