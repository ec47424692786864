"""What must hold between the parts of a domain-adaptive detector, told before it is trained."""

from typing import Iterator

from torch import nn


def check_detector(detector: nn.Module) -> None:
    """Check that the parts, contexts and stages of a ``DomainAdaptiveDetector`` fit each other.

    Raises:
        ValueError: they do not; the message lists all that is wrong.
    """
    problems = [*_part_problems(detector), *_context_problems(detector), *_stage_problems(detector)]
    if problems:
        raise ValueError('; '.join(problems))


def _part_problems(detector: nn.Module) -> Iterator[str]:
    if detector.rpn_feature not in ('invariant', 'base'):
        yield f"rpn_feature {detector.rpn_feature!r} is unknown; expected 'invariant' or 'base'"
    if detector.target_rois < 1:
        yield f'target_rois {detector.target_rois} must be at least 1'


def _context_problems(detector: nn.Module) -> Iterator[str]:
    for branch, names in detector.contexts.items():
        for name in names:
            classifier = getattr(detector, f'{name}_classifier', None)
            if classifier is None:
                yield f'the head of the branch {branch!r} wants the context of {name}_classifier, which is not there'
            elif classifier.num_domains != 2:
                yield f'{name}_classifier gives contexts, but tells {classifier.num_domains} domains; expected 2'
        widths = [
            getattr(detector, f'{name}_classifier').context_channels
            for name in names
            if getattr(detector, f'{name}_classifier', None) is not None
        ]
        head = getattr(detector.roi_head, branch).bbox_head
        if list(getattr(head, 'context_channels', ())) != widths and len(widths) == len(names):
            yield (
                f'the head of the branch {branch!r} has context_channels {list(head.context_channels)}; expected '
                f'{widths} for the contexts {list(names)}'
            )


def _stage_problems(detector: nn.Module) -> Iterator[str]:
    parts = dict(detector.named_children())
    for stage in detector.stages:
        where = f'stage {stage.name!r}'
        for name in ('base', 'specific', 'pixel'):
            if stage.weight(f'domain_{name}') and getattr(detector, f'{name}_classifier') is None:
                yield f'{where} weighs domain_{name}, but there is no {name}_classifier'
        if detector.decomposer.identity and (stage.weight('domain_specific') or stage.weight('orthogonality')):
            yield f'{where} weighs domain_specific or orthogonality, but the decomposer leaves nothing specific'
        missing = sorted(set(stage.branches) - set(detector.roi_head.branches))
        if missing:
            yield f'{where} has the branches {missing}; the roi_head has {detector.roi_head.branches}'
        if stage.weight('roi') and not stage.branches:
            yield f'{where} weighs roi, but has no branches'
        unknown = sorted(name for name in stage.no_grad if name not in parts and not hasattr(detector, name))
        if unknown:
            yield f'{where} runs {unknown} without gradient; the detector has {sorted(parts)}'
