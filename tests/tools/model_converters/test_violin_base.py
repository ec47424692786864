import pytest
import torch
from torch import nn

from tests.helpers.tools import mistake
from tests.helpers.violin import batch, packed, seeded
from tools.model_converters import violin_base

pytest.importorskip('mmdet')


class RNNEncoder(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.rnn = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)

    def forward(self, values):
        states, (last, _) = self.rnn(values)
        return states, torch.cat([last[0], last[1]], dim=-1)


class Released(nn.Module):
    """The names of the release, for words of 8, frames of 8, 4 hidden units, and 6 numbers of a projected frame."""

    def __init__(self, streams):
        super().__init__()
        self.streams = streams
        self.bert_fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 8), nn.Tanh())
        if 'video' in streams:
            self.video_fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 6), nn.Tanh())
            self.lstm_raw = RNNEncoder(6, 4)
        if len(streams) == 2:
            self.lstm_mature_vid = RNNEncoder(40, 8)
        # Built with two streams too, where nothing is made of them.
        if 'video' in streams:
            self.vid_ctx_rnn = RNNEncoder(24, 8)
        if 'subtitle' in streams:
            self.sub_ctx_rnn = RNNEncoder(24, 8)
        self.final_fc = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1), nn.Sigmoid())

    def forward(self, words, frames, said):
        words = self.bert_fc(words)
        memories = [self.lstm_raw(self.video_fc(frames))[0]] if 'video' in self.streams else []
        memories += [self.bert_fc(said)] if 'subtitle' in self.streams else []
        reads = [(words @ memory.transpose(1, 2)).softmax(dim=-1) @ memory for memory in memories]
        lstms = dict(video='vid_ctx_rnn', subtitle='sub_ctx_rnn')
        lstm = getattr(self, 'lstm_mature_vid' if len(memories) == 2 else lstms[self.streams[0]])
        return self.final_fc(lstm(torch.cat([words, *reads, *(words * read for read in reads)], dim=-1))[1])


@pytest.mark.parametrize('name, unused', [('both', 16), ('video', 0), ('subtitle', 0)])
@torch.no_grad()
def test_converted_models_have_the_same_probabilities(name, unused, tmp_path, capsys):
    torch.manual_seed(0)
    streams = violin_base.STREAMS[name]
    released = Released(streams).eval()
    torch.save({f'module.{key}': value for key, value in released.state_dict().items()}, tmp_path / 'in.pt')
    violin_base.main([str(tmp_path / 'in.pt'), str(tmp_path / 'out.pth'), '--streams', name])
    assert capsys.readouterr().out.count('_ctx_rnn.rnn.') == unused
    model = seeded(
        dict(type='ViolinBase', text_channels=8, video_channels=8, streams=streams, hidden=4, embed_channels=6)
    )
    model.load_state_dict(torch.load(tmp_path / 'out.pth')['state_dict'], strict=True)
    model.eval()
    data = model.data_preprocessor(batch(packed('man opens saying coffee', lines=['i want', 'no'], frames=3)), False)
    inputs = data['inputs']
    expected = released(inputs['statements']['tokens'], inputs['video'], inputs['sub'])
    torch.testing.assert_close(model(**data).sigmoid(), expected, atol=1e-6, rtol=1e-5)

    violin_base.main([str(tmp_path / 'out.pth'), str(tmp_path / 'back.pt'), '--streams', name, '--to-violin'])
    back = Released(streams).eval()
    back.load_state_dict(torch.load(tmp_path / 'back.pt'), strict=True)
    again = back(inputs['statements']['tokens'], inputs['video'], inputs['sub'])
    torch.testing.assert_close(again, expected)


def test_other_checkpoints_are_refused(tmp_path, capsys):
    state = Released(('video',)).state_dict()
    torch.save(state, tmp_path / 'in.pt')
    wrong = [tmp_path / 'in.pt', tmp_path / 'out.pth']
    assert 'lstm_mature_vid.rnn.weight_ih_l0 is missing' in mistake(capsys, violin_base, *wrong)
    torch.save(dict(state, extra=torch.zeros(1)), tmp_path / 'in.pt')
    assert "['extra']" in mistake(capsys, violin_base, *wrong, '--streams', 'video')
    torch.save(dict(epoch=3), tmp_path / 'in.pt')
    assert 'holds no weights' in mistake(capsys, violin_base, *wrong)
    assert 'no such file' in mistake(capsys, violin_base, tmp_path / 'none', *wrong[1:])
