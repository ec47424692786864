import pytest
import torch

from tools.model_converters import bert_small_to_vlplugins as converter
from vlplugins.registry import MODELS
from vlplugins.utils.cli import UsageError


@pytest.fixture(scope='module')
def bert():
    transformers = pytest.importorskip('transformers')
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=20,
    )
    return transformers.BertForPreTraining(config).eval()


def encoder():
    return MODELS.build(
        dict(type='BertTextEncoder', vocab_size=40, width=32, depth=2, heads=4, max_len=12, dropout=0.0)
    ).eval()


@pytest.mark.parametrize('old_names', [False, True])
def test_the_converted_encoder_equals_bert_of_transformers(bert, tmp_path, capsys, old_names):
    state = bert.state_dict()
    if old_names:
        norms = {key: key.replace('Norm.weight', 'Norm.gamma').replace('Norm.bias', 'Norm.beta') for key in state}
        state = {norms[key]: value for key, value in state.items()}
    torch.save(state, tmp_path / 'bert.bin')
    converter.main([str(tmp_path / 'bert.bin'), str(tmp_path / 'out.pth'), '--max-len', '12'])
    assert 'pooler' in capsys.readouterr().out
    model = encoder()
    model.load_state_dict(torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict'], strict=True)
    ids = torch.randint(1, 40, (3, 9))
    mask = torch.arange(9) < torch.tensor([[9], [5], [2]])
    expected = bert.bert(ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(model(ids, mask)[mask], expected[mask], atol=1e-5, rtol=1e-4)


def test_what_does_not_fit_is_refused_and_nothing_is_written(bert, tmp_path):
    state = dict(bert.state_dict())
    cases = [
        ({**state, 'bert.encoder.layer.0.adapter.weight': torch.zeros(1)}, 'adapter'),
        ({key: value for key, value in state.items() if 'layer.1.output.dense.bias' not in key}, 'fc2.bias'),
        ({key: value for key, value in state.items() if 'layer.1.attention.self.key' not in key}, 'another projection'),
        ({key: value for key, value in state.items() if 'token_type' not in key}, 'token types False'),
    ]
    for number, (changed, message) in enumerate(cases):
        path, out = tmp_path / f'{number}.bin', tmp_path / f'{number}.pth'
        torch.save(changed, path)
        with pytest.raises((UsageError, SystemExit)):
            converter.main([str(path), str(out), '--max-len', '12'])
        assert not out.exists()
        if 'adapter' not in message and 'fc2' not in message:
            with pytest.raises(UsageError, match=message):
                converter.convert(changed, 12)
    with pytest.raises(UsageError, match='found 20 positions'):
        converter.convert(converter.load_state(str(tmp_path / '0.bin')), 21)
