# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The kind and size of a picture, from the first bytes of the file."""
import struct

# Larger ones make every invoice heavy
LARGEST = 1024 * 1024
LONGEST = 4000
# Of JPEG, the segments that hold the size of the picture
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def measure(data, largest=LARGEST):
    """Return the MIME type, the width and the height in pixels.

    Raises ValueError when it is neither PNG nor JPEG, or when the picture has
    more than `largest` bytes or is longer than LONGEST pixels.
    """
    if len(data) > largest:
        raise ValueError("too many bytes")
    if data[:8] == b'\x89PNG\r\n\x1a\n' and data[12:16] == b'IHDR':
        kind, size = 'image/png', data[16:24]
        if len(size) < 8:
            raise ValueError("cut short")
        width, height = struct.unpack('>II', size)
    elif data[:3] == b'\xff\xd8\xff':
        kind, (width, height) = 'image/jpeg', _jpeg_size(data)
    else:
        raise ValueError("unknown kind")
    if not (0 < width <= LONGEST and 0 < height <= LONGEST):
        raise ValueError("too many pixels")
    return kind, width, height


def _jpeg_size(data):
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in FRAMES:
            height, width = struct.unpack(
                '>HH', data[position + 5:position + 9])
            return width, height
        else:
            length, = struct.unpack('>H', data[position + 2:position + 4])
            position += 2 + length
    raise ValueError("cut short")


def fit(width, height, box_width, box_height):
    "Return the largest size of the same shape inside the box, in its unit"
    scale = min(box_width / width, box_height / height)
    return width * scale, height * scale


def size_cm(size, width, height):
    "Return the size fitted in the box of centimetres, as OpenDocument has it"
    return tuple(f'{side:.2f}cm' for side in fit(*size, width, height))
