# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The kilometre scale (barème kilométrique), without database.

What a trip is paid is what is due for all kilometres of the vehicle in the
civil year less what was paid for them before: the sum does not depend on how
the kilometres are cut into trips.
"""
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Optional

from ..apportion import round_half_up


class Band(NamedTuple):
    """What is due for a year of at most ``up_to`` kilometres.

    It is ``rate`` for each kilometre of the year, from the first one on, and
    ``constant``; ``up_to`` is None for the last band.
    """
    up_to: Optional[Decimal]
    rate: Decimal
    constant: Decimal = Decimal(0)


@dataclass(frozen=True)
class Scale:
    """The scale of a vehicle in a civil year (arrêté of 27 March 2023).

    ``increase`` is what an electric vehicle adds, 0.20 for 20 %; ``flat`` is
    the rate of the kilometre that a company decided, which counts where it is
    below the scale. Raises ValueError when the bands do not fit together.
    """
    bands: tuple
    increase: Decimal = Decimal(0)
    flat: Optional[Decimal] = None

    def __post_init__(self):
        limits = [band.up_to for band in self.bands]
        if not limits or limits[-1] is not None or None in limits[:-1]:
            raise ValueError("only the last band has no end")
        if limits[:-1] != sorted(set(limits[:-1])) or min(
                [1, *limits[:-1]]) <= 0:
            raise ValueError("each band ends above the one before")

    def due(self, distance):
        "Return what is due for the kilometres of a year, to the cent"
        distance = Decimal(distance)
        if distance <= 0:
            return Decimal('0.00')
        for band in self.bands:
            if band.up_to is None or distance <= band.up_to:
                break
        amount = (distance * band.rate + band.constant) * (1 + self.increase)
        if self.flat is not None:
            amount = min(amount, distance * self.flat)
        return round_half_up(amount)

    def trips(self, distances, distance=0, paid=0):
        """Return what the trips are paid, in order.

        ``distance`` and ``paid`` are the kilometres of the year and what was
        paid for them before. A trip is never paid less than nothing: what was
        paid above the scale is made up for by the trips that follow.
        """
        amounts = []
        distance, paid = Decimal(distance), Decimal(paid)
        for trip in distances:
            distance += Decimal(trip)
            amount = max(self.due(distance) - paid, Decimal('0.00'))
            paid += amount
            amounts.append(amount)
        return amounts
