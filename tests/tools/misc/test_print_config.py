from mmengine.config import Config

from tests.helpers.tiny_configs import ROOT, write_slimclr_config
from tests.helpers.tools import mistake
from tools.misc import print_config

DEMO = str(ROOT / 'configs/slimclr/slimclr_demo.py')


def test_inheritance_is_resolved_and_options_are_applied(capsys):
    print_config.main([DEMO, '--cfg-options', 'model.momentum=0.5'])
    text = capsys.readouterr().out
    assert 'momentum=0.5' in text and 'ImageFolderDataset' in text and '_base_' not in text


def test_one_key_of_dicts_and_lists(capsys):
    print_config.main([DEMO, '--key', 'train_dataloader.dataset.pipeline.1.num_views'])
    assert capsys.readouterr().out.strip() == '2'


def test_written_file_is_a_config_with_the_same_content(tmp_path):
    for suffix in ('.py', '.json', '.yaml'):
        out = tmp_path / f'whole{suffix}'
        print_config.main([DEMO, '--out', str(out)])
        assert Config.fromfile(out).model.backbone.base_channels == 32


def test_a_config_with_problems_is_printed_only_on_request(tmp_path, capsys):
    config = write_slimclr_config(tmp_path, extra='model = dict(backbone=dict(dept=18))')
    assert "did you mean 'depth'" in mistake(capsys, print_config, config)
    print_config.main([str(config), '--no-check'])
    assert 'dept=18' in capsys.readouterr().out


def test_mistakes_are_told(tmp_path, capsys):
    assert 'no such config: x.py' in mistake(capsys, print_config, 'x.py')
    for key in ('model.nothing', 'train_dataloader.dataset.pipeline.9', 'max_epochs.x'):
        assert key in mistake(capsys, print_config, DEMO, '--key', key)
    assert 'must end in' in mistake(capsys, print_config, DEMO, '--out', tmp_path / 'x.txt')
    assert 'no_such' in mistake(capsys, print_config, DEMO, '--out', tmp_path / 'no_such/x.py')
    assert "no key 'modle'" in mistake(capsys, print_config, DEMO, '--cfg-options', 'modle.depth=1')
