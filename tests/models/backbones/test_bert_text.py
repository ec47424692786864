import pytest
import torch

from vlplugins.registry import MODELS

SMALL = dict(type='BertTextEncoder', vocab_size=50, width=32, depth=2, heads=4, max_len=12, dropout=0.0)


def build(**options):
    torch.manual_seed(0)
    return MODELS.build({**SMALL, **options}).eval()


def batch():
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, 50, (3, 9), generator=generator)
    return ids, torch.arange(9) < torch.tensor([[9], [5], [1]])


def copy_to_transformers(model):
    """The same weights in the implementation of another package, by the key names of BERT's checkpoints."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=12,
    )
    other, state = BertModel(config, add_pooling_layer=False).eval(), model.state_dict()
    names = dict(zip(('query', 'key', 'value'), range(3)))
    new = {
        'embeddings.word_embeddings.weight': state['token_embedding.weight'],
        'embeddings.position_embeddings.weight': state['position_embedding.weight'],
        'embeddings.token_type_embeddings.weight': torch.zeros(2, 32),
        'embeddings.LayerNorm.weight': state['embed_norm.weight'],
        'embeddings.LayerNorm.bias': state['embed_norm.bias'],
    }
    for index in range(2):
        ours, theirs = f'layers.{index}.', f'encoder.layer.{index}.'
        for kind in ('weight', 'bias'):
            for name, part in names.items():
                joint = state[f'{ours}attn.in_proj_{kind}']
                new[f'{theirs}attention.self.{name}.{kind}'] = joint.chunk(3)[part]
            for mine, its in (
                ('attn.out_proj', 'attention.output.dense'),
                ('norm1', 'attention.output.LayerNorm'),
                ('fc1', 'intermediate.dense'),
                ('fc2', 'output.dense'),
                ('norm2', 'output.LayerNorm'),
            ):
                new[f'{theirs}{its}.{kind}'] = state[f'{ours}{mine}.{kind}']
    missing = other.load_state_dict(new, strict=False)
    assert not missing.unexpected_keys and not [key for key in missing.missing_keys if 'ids' not in key]
    return other


def test_equals_bert_of_transformers():
    model, (ids, mask) = build(), batch()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    with torch.no_grad():
        expected = copy_to_transformers(model)(ids, attention_mask=mask.long()).last_hidden_state
        found = model(ids, mask)
    torch.testing.assert_close(found[mask], expected[mask], atol=1e-5, rtol=1e-4)


def test_padding_changes_nothing():
    model, (ids, mask) = build(), batch()
    other = torch.where(mask, ids, 49)
    assert torch.equal(model(ids, mask)[mask], model(other, mask)[mask])
    torch.testing.assert_close(model(ids[1:2, :5], mask[1:2, :5])[0], model(ids, mask)[1, :5])


def test_all_parameters_learn_in_half_precision_and_a_state_is_read_back():
    model, (ids, mask) = build().train(), batch()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        # A squared norm alone would be constant behind the last layer norm.
        (model(ids, mask).float() * torch.randn(32)).sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in model.parameters())
    assert {name for name, each in model.named_parameters() if not each.grad.abs().sum() > 0} == set()
    other = build()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.eval()(ids, mask), model.eval()(ids, mask))


def test_texts_that_do_not_fit_are_refused():
    model = build()
    with pytest.raises(ValueError, match=r'\(2, 13\).*L at most 12'):
        model(torch.ones(2, 13, dtype=torch.long), torch.ones(2, 13, dtype=torch.bool))
    with pytest.raises(ValueError, match='text_mask'):
        model(torch.ones(2, 5, dtype=torch.long), torch.ones(2, 4, dtype=torch.bool))
