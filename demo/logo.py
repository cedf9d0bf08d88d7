# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The logo of an activity and the portrait of a person, as pictures."""
import struct
import zlib

SIZE = 240
RINGS = [
    (40, (255, 255, 255)), (70, (0, 122, 135)), (90, (255, 255, 255)),
    (118, (240, 140, 40))]


def draw():
    "Return a PNG picture of rings"
    return _png(SIZE, SIZE, _colour)


def portrait(background):
    "Return a PNG picture of head and shoulders on the background"
    def colour(x, y):
        if ((x - 45) ** 2 + (y - 48) ** 2 < 22 ** 2
                or ((x - 45) / 38) ** 2 + ((y - 120) / 44) ** 2 < 1):
            return 244, 233, 220
        return background
    return _png(90, 120, colour)


def _png(width, height, colour):
    rows = b''.join(
        b'\0' + b''.join(bytes(colour(x, y)) for x in range(width))
        for y in range(height))
    return b'\x89PNG\r\n\x1a\n' + b''.join([
            _chunk(b'IHDR', struct.pack(
                    '>IIBBBBB', width, height, 8, 2, 0, 0, 0)),
            _chunk(b'IDAT', zlib.compress(rows, 9)),
            _chunk(b'IEND', b''),
            ])


def _colour(x, y):
    distance = (x - SIZE / 2) ** 2 + (y - SIZE / 2) ** 2
    for radius, colour in RINGS:
        if distance <= radius ** 2:
            return colour
    return 255, 255, 255


def _chunk(name, data):
    return (struct.pack('>I', len(data)) + name + data
        + struct.pack('>I', zlib.crc32(name + data)))
