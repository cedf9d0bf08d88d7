# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import struct
import unittest

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members import picture


def png(width, height):
    return b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + b'IHDR' + (
        struct.pack('>II', width, height))


def jpeg(width, height):
    return (
        b'\xff\xd8\xff\xe0' + struct.pack('>H', 4) + b'JF'
        b'\xff\xc4' + struct.pack('>H', 5) + b'abc'
        b'\xff\xff\xc2' + struct.pack('>HBHH', 11, 8, height, width))


class PictureTestCase(unittest.TestCase):
    "Test the size of pictures"

    @given(st.integers(1, picture.LONGEST), st.integers(1, picture.LONGEST))
    def test_measure(self, width, height):
        "PNG and JPEG are measured"
        self.assertEqual(
            picture.measure(png(width, height)), ('image/png', width, height))
        self.assertEqual(
            picture.measure(jpeg(width, height)),
            ('image/jpeg', width, height))

    @given(st.binary() | st.binary().map(lambda b: b'\xff\xd8\xff' + b)
        | st.binary(max_size=8).map(lambda b: png(1, 1)[:16] + b[:7]))
    def test_refused(self, data):
        "Anything else is refused, without another error"
        try:
            picture.measure(data)
        except ValueError:
            pass

    def test_limits(self):
        for data in [
                b'', b'GIF89a', png(0, 1), png(1, picture.LONGEST + 1),
                png(1, 1) + bytes(picture.LARGEST), jpeg(5, 5)[:-3]]:
            with self.assertRaises(ValueError):
                picture.measure(data)

    @given(*[st.integers(1, 4000)] * 4)
    def test_fit(self, width, height, box_width, box_height):
        "It fills the box in one direction and keeps its shape"
        w, h = picture.fit(width, height, box_width, box_height)
        self.assertLessEqual(w, box_width * 1.000001)
        self.assertLessEqual(h, box_height * 1.000001)
        self.assertTrue(
            abs(w - box_width) < 1e-6 or abs(h - box_height) < 1e-6)
        self.assertAlmostEqual(w * height, h * width, delta=1e-3 * w * height)
