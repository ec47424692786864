"""Writing annotations as Pascal VOC has them."""

from pathlib import Path
from typing import Sequence, Tuple
from xml.etree import ElementTree

Corners = Tuple[float, float, float, float]


def write_voc_xml(
    path: Path, file_name: str, image_size: Tuple[int, int], objects: Sequence[Tuple[str, Corners]]
) -> None:
    """Write the annotations of one image.

    Args:
        path: File to write.
        file_name: Name of the image.
        image_size: Its height and width.
        objects: Class and box of each object: ``xmin, ymin, xmax, ymax`` in pixels counted from 1, the last included.
    """
    root = ElementTree.Element('annotation')
    ElementTree.SubElement(root, 'filename').text = file_name
    size = ElementTree.SubElement(root, 'size')
    for key, value in zip(('width', 'height', 'depth'), (image_size[1], image_size[0], 3)):
        ElementTree.SubElement(size, key).text = str(value)
    for category, corners in objects:
        node = ElementTree.SubElement(root, 'object')
        ElementTree.SubElement(node, 'name').text = category
        ElementTree.SubElement(node, 'difficult').text = '0'
        box = ElementTree.SubElement(node, 'bndbox')
        for key, value in zip(('xmin', 'ymin', 'xmax', 'ymax'), corners):
            ElementTree.SubElement(box, key).text = f'{value:g}'
    path.write_text(ElementTree.tostring(root, encoding='unicode'), encoding='utf-8')
