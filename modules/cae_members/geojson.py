# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""Places as GeoJSON (RFC 7946), which any map application opens."""
import json


def collection(points):
    """Return the text of the feature collection of the points.

    Each point is (latitude, longitude, properties): decimals in degrees (WGS
    84) of at most 15 digits, which stay exact, and a dictionary that JSON can
    hold.
    """
    return json.dumps({
            'type': 'FeatureCollection',
            'features': [{
                    'type': 'Feature',
                    'geometry': {
                        'type': 'Point',
                        # RFC 7946, 3.1.1: the longitude comes first
                        'coordinates': [float(longitude), float(latitude)],
                        },
                    'properties': properties,
                    } for latitude, longitude, properties in points],
            }, ensure_ascii=False, indent=1)
