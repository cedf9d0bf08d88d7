# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import unittest
from math import hypot
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members import radar

LEVELS = ["Learning", "Able", "Expert"]
NAMES = ["Level", "Target Level"]
SVG = '{http://www.w3.org/2000/svg}'
skills = st.lists(
    st.tuples(st.text(), st.integers(0, 3), st.integers(0, 3)),
    min_size=1, max_size=20)


def draw(*skills):
    return ElementTree.fromstring(radar.svg(
            *map(list, zip(*skills)), LEVELS, NAMES))


class RadarTestCase(unittest.TestCase):
    "Test the picture of the skills"

    def test_points(self):
        "The first axis goes up, the next ones clockwise"
        x, y = radar.CENTER
        for (px, py), expected in zip(radar.points([3, 2, 1, 0], 2), [
                    (x, y - radar.RADIUS * 1.5), (x + radar.RADIUS, y),
                    (x, y + radar.RADIUS / 2), (x, y)]):
            self.assertAlmostEqual(px, expected[0])
            self.assertAlmostEqual(py, expected[1])

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
    def test_points_any(self, values):
        "The distance from the centre is the share of the highest level"
        for value, (x, y) in zip(values, radar.points(values, 5)):
            self.assertAlmostEqual(
                hypot(x - radar.CENTER[0], y - radar.CENTER[1]),
                radar.RADIUS * value / 5)

    def test_radar(self):
        root = draw(
            ("Sales", 1, 3), ("Law & <order>", 2, 2), ("Prices", 0, 3))
        self.assertEqual(len(root.findall(f'{SVG}polygon')), 2)
        level, target = (
            [tuple(map(float, c.split(',')))
                for c in p.get('points').split()]
            for p in root.findall(f'{SVG}polygon'))
        x, y = radar.CENTER
        self.assertEqual(level[0], (x, y - radar.RADIUS / 3))
        self.assertEqual(level[2], (x, y))
        self.assertEqual(target[0], (x, y - radar.RADIUS))
        texts = [t.text for t in root.iter(f'{SVG}text')]
        for text in ["Sales", "Law & <order>", "Prices", *LEVELS, *NAMES]:
            self.assertIn(text, texts)

    def test_bars(self):
        "Of one or two skills a radar would be a point or a line"
        for skills in [[("Sales", 1, 3)], [("Sales", 0, 0), ("Law", 3, 2)]]:
            root = draw(*skills)
            self.assertEqual(root.findall(f'{SVG}polygon'), [])
            widths = [
                float(r.get('width')) for r in root.findall(f'{SVG}rect')
                if float(r.get('y')) > 50]
            self.assertEqual(
                [round(w * 3 / 340) for w in widths],
                [v for s in skills for v in s[1:] if v])

    def test_shorten(self):
        for text, expected in [
                ("Sales", "Sales"), ("a\n b", "a b"), ("", ""),
                ("x" * 24, "x" * 24), ("x" * 25, "x" * 23 + "…"),
                ("x" * 22 + " yyyy", "x" * 22 + "…")]:
            self.assertEqual(radar.shorten(text), expected)

    @given(skills)
    def test_any(self, skills):
        "Whatever the labels, it is XML, and stays inside the picture"
        root = draw(*skills)
        for text in root.iter(f'{SVG}text'):
            self.assertLessEqual(len(text.text or ''), radar.LABEL)
            for name, limit in zip('xy', radar.size(len(skills))):
                self.assertTrue(0 <= float(text.get(name)) <= limit)
