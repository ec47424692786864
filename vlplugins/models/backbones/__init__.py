"""Backbones; importing the package registers them."""

from vlplugins.models.backbones.afe_cnn import AFECNN
from vlplugins.models.backbones.bert_text import BertTextEncoder
from vlplugins.models.backbones.clip_text import CLIPTextTransformer
from vlplugins.models.backbones.clip_vision import CLIPVisionTransformer
from vlplugins.models.backbones.dcin import DilatedContextIntegratedBranch
from vlplugins.models.backbones.layered_backbone import LayeredBackbone
from vlplugins.models.backbones.patch_encoder import PatchEncoder
from vlplugins.models.backbones.pixels import PixelBackbone
from vlplugins.models.backbones.premise_encoder import PremiseEncoder
from vlplugins.models.backbones.query_graph_encoder import QueryGraphEncoder
from vlplugins.models.backbones.sem_gcn import SemGCN
from vlplugins.models.backbones.skeleton_sequence import SkeletonSequenceBackbone
from vlplugins.models.backbones.slimmable_resnet import SlimmableResNet
from vlplugins.models.backbones.st_gcn_lifter import SingleFrameSTGCN
from vlplugins.models.backbones.statement_graph_encoder import StatementGraphEncoder
from vlplugins.models.backbones.video_graph_encoder import VideoGraphEncoder

__all__ = [
    'BertTextEncoder',
    'AFECNN',
    'CLIPTextTransformer',
    'CLIPVisionTransformer',
    'DilatedContextIntegratedBranch',
    'LayeredBackbone',
    'PatchEncoder',
    'PixelBackbone',
    'QueryGraphEncoder',
    'PremiseEncoder',
    'SemGCN',
    'SingleFrameSTGCN',
    'SkeletonSequenceBackbone',
    'SlimmableResNet',
    'VideoGraphEncoder',
    'StatementGraphEncoder',
]
