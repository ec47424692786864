"""A small set of actions in the raw files of UTKinect-Action3D."""

from pathlib import Path
from typing import Dict, List

import numpy as np

from vlplugins.datasets.formats.skeleton_conversion import write_pickle
from vlplugins.datasets.formats.utkinect import ACTIONS, convert_utkinect
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.kinematics import forward_kinematics
from vlplugins.datasets.synthetic.skeleton_actions import PERSON_OFFSETS, PERSON_PARENTS
from vlplugins.datasets.synthetic.skeleton_files import (
    bump,
    format_utkinect_joints,
    turn_about_vertical,
    write_files,
)
from vlplugins.registry import TASK_UTILS
from vlplugins.structures.skeleton_layout import convert_joints

# What turns at the peak of each of the ten actions: joint of Kinect v2 and rotation vector in radians.
_TURNS = (
    {16: (0.7, 0, 0), 12: (-0.5, 0, 0)},
    {12: (1.3, 0, 0), 16: (1.3, 0, 0), 13: (-1.4, 0, 0), 17: (-1.4, 0, 0)},
    {12: (0.7, 0, 0), 16: (0.7, 0, 0), 13: (-1.3, 0, 0), 17: (-1.3, 0, 0), 1: (-0.5, 0, 0)},
    {1: (-1.1, 0, 0), 8: (1.0, 0, 0)},
    {4: (0.9, 0, 0), 8: (0.9, 0, 0), 5: (0.7, 0, 0), 9: (0.7, 0, 0)},
    {8: (2.6, 0, 0)},
    {4: (1.5, 0, 0), 8: (1.5, 0, 0)},
    {8: (1.0, 0, 0), 9: (1.2, 0, 0)},
    {4: (0, 0, -2.6), 8: (0, 0, 2.6)},
    {4: (1.4, 0, 0.35), 8: (1.4, 0, -0.35)},
)


@TASK_UTILS.register_module()
class SyntheticUTKinect(SyntheticDataset):
    """Ten actions of a few people in ``actionLabel.txt`` and ``joints/joints_sXX_eYY.txt``, and the converter's pickle.

    Signal: each action bends other joints, once in its segment. Size, heading, place, order of the actions in a take,
    lengths and noise are drawn independently of the class. Frame numbers go in steps of 2 and sometimes repeat; one
    entry is ``NaN NaN``, as in the real set. Chance is 10 %, a perfect model scores 100 %.

    Args:
        root: Folder of the set.
        subjects: People, 2 or more.
        takes: Takes of each.
        noise: Deviation of the noise of each coordinate in metres.
        seed: Seed of all random choices.
    """

    CLASSES = ACTIONS

    def __init__(self, root: str, subjects: int = 10, takes: int = 2, noise: float = 0.004, seed: int = 0) -> None:
        super().__init__(root, seed)
        if subjects < 2 or takes < 1:
            raise ValueError(f'subjects {subjects} must be at least 2 and takes {takes} at least 1')
        self.subjects, self.takes, self.noise = subjects, takes, noise

    def write(self, folder: Path) -> None:
        """Write the raw files, and convert them to ``utkinect_3d.pkl``."""
        labels: List[str] = []
        files: Dict[str, str] = {}
        for subject in range(1, self.subjects + 1):
            for take in range(1, self.takes + 1):
                name = f's{subject:02d}_e{take:02d}'
                generator = np.random.default_rng([self.seed, subject, take])
                lines, files[f'joints_{name}.txt'] = self._take(generator)
                labels += [name, *lines]
        # The last take lacks one action.
        labels[-1] = labels[-1].split(':')[0] + ': NaN NaN'
        write_files(folder / 'joints', files)
        write_files(folder, {'actionLabel.txt': '\n'.join(labels) + '\n'})
        data, report = convert_utkinect(folder)
        write_pickle(folder / 'utkinect_3d.pkl', data)
        (folder / 'report.txt').write_text(f'{report}\n', encoding='utf-8')

    def _take(self, generator: np.random.Generator) -> tuple:
        scale, heading = generator.uniform(0.8, 1.2), generator.uniform(-30, 30)
        place = np.array([generator.uniform(-0.4, 0.4), generator.uniform(-0.2, 0.2), generator.uniform(2, 3.5)])
        number, lines, numbers, clips = int(generator.integers(100, 300)), {}, [], []
        for action in generator.permutation(len(ACTIONS)):
            frames = int(generator.integers(15, 40))
            swell = bump(frames, frames / 2 + generator.uniform(-2, 2), frames / 2 - 4)
            turns = {joint: swell[:, None] * np.array(vector, float) for joint, vector in _TURNS[action].items()}
            clips.append(forward_kinematics(PERSON_PARENTS, np.array(PERSON_OFFSETS), turns, frames))
            at = number + 2 * np.arange(frames)
            numbers.append(at)
            lines[action] = f'{ACTIONS[action]}: {at[0]}  {at[-1]}'
            number = int(at[-1]) + 2 * int(generator.integers(1, 6))
        joints = turn_about_vertical(scale * np.concatenate(clips), heading) + place
        joints = convert_joints(joints + generator.normal(0, self.noise, joints.shape), 'ntu25', 'kinect20')
        at = np.concatenate(numbers)
        # The sensor's log repeats a frame now and then.
        twice = np.sort(np.concatenate([np.arange(len(at)), generator.integers(len(at), size=3)]))
        return [lines[action] for action in range(len(ACTIONS))], format_utkinect_joints(at[twice], joints[twice])
