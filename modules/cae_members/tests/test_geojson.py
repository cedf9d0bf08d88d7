# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
import json
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_members.geojson import collection


def degrees(limit):
    return st.decimals(-limit, limit, places=6)


class GeoJSONTestCase(unittest.TestCase):
    "Test the map of the directory"

    def test_collection(self):
        text = collection([(
                    Decimal('47.218371'), Decimal('-1.553621'),
                    {'name': 'L’Atelier "Bois"', 'website': None})])
        self.assertEqual(json.loads(text), {
                'type': 'FeatureCollection',
                'features': [{
                        'type': 'Feature',
                        'geometry': {
                            'type': 'Point',
                            'coordinates': [-1.553621, 47.218371],
                            },
                        'properties': {
                            'name': 'L’Atelier "Bois"', 'website': None},
                        }],
                })
        self.assertEqual(json.loads(collection([]))['features'], [])

    @given(st.lists(st.tuples(
                degrees(90), degrees(180),
                st.dictionaries(st.text(), st.text()))))
    def test_exact(self, points):
        "Numbers and texts come back as they were given"
        features = json.loads(
            collection(points), parse_float=Decimal)['features']
        self.assertEqual([
                (*reversed(f['geometry']['coordinates']), f['properties'])
                for f in features], points)
