import pytest
from mmengine.config import Config, config

from vlplugins.compat import config_text


@pytest.fixture
def formatted(monkeypatch):
    """The texts that are formatted, by the workaround around a counting YAPF."""
    texts, format_code = [], config.FormatCode.__wrapped__
    counting = config_text._remembering(lambda text, **options: texts.append(text) or format_code(text, **options))
    monkeypatch.setattr(config, 'FormatCode', counting)
    return texts


def test_a_text_is_formatted_once_and_a_changed_one_again(formatted):
    cfg = Config(dict(model=dict(type='A', width=3)))
    first = cfg.pretty_text
    assert cfg.pretty_text == first == "model = dict(type='A', width=3)\n" and len(formatted) == 1
    cfg.model.width = 4
    assert cfg.pretty_text == "model = dict(type='A', width=4)\n" and len(formatted) == 2


def test_few_texts_are_kept(formatted):
    for width in [*range(config_text._KEPT + 1), 0, config_text._KEPT]:
        assert Config(dict(width=width)).pretty_text == f'width = {width}\n'
    assert len(formatted) == config_text._KEPT + 2


def test_upstream_still_needs_the_workaround(monkeypatch):
    """When this fails, MMEngine remembers the text by itself: the workaround may go."""
    texts, format_code = [], config.FormatCode.__wrapped__
    monkeypatch.setattr(
        config, 'FormatCode', lambda text, **options: texts.append(text) or format_code(text, **options)
    )
    cfg = Config(dict(width=3))
    assert cfg.pretty_text == cfg.pretty_text and len(texts) == 2


def test_installing_again_wraps_no_wrapper():
    before = config.FormatCode
    config_text.install()
    assert config.FormatCode is before and not hasattr(before.__wrapped__, '__wrapped__')
