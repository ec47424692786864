"""Task_modules of models; importing the package registers them."""

from vlplugins.models.task_modules.kmedoids import KMedoids
from vlplugins.models.task_modules.spectral import SpectralClustering

__all__ = ['KMedoids', 'SpectralClustering']
