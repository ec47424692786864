"""Running tools as a user would, for their tests."""

from typing import Any

import pytest


def mistake(capsys: Any, tool: Any, *arguments: Any) -> str:
    """The message of a user's mistake: one, on standard error, with exit status 2 and without a traceback."""
    with pytest.raises(SystemExit) as caught:
        tool.main([str(argument) for argument in arguments])
    message = capsys.readouterr().err
    assert caught.value.code == 2 and message.startswith('error: ') and 'Traceback' not in message, message
    assert len(message.strip()) > len('error: ')
    return message
