# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""How an assembly decides: proxies, quorum and majority, counted in heads.

One member has one vote whatever the shares (loi 78-763 du 19 juillet 1978,
art. 14).  Every figure is an int or a Fraction: no float ever decides.
"""
from collections import namedtuple
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

__all__ = [
    'Rule', 'Decision', 'LEGAL', 'MODEL_STATUTES', 'EXTERNAL_CAP',
    'NOTICE', 'rule', 'stricter', 'proxy_limit', 'external_weight', 'decide']

BASES = ('registered', 'present', 'cast')
EXTERNAL_CAP = Fraction(35, 100)


@dataclass(frozen=True)
class Rule:
    """What it takes to decide.

    quorum: fraction of the registered members that must be present or
    represented, None when there is none;
    majority: fraction of the votes of the base that must be in favour;
    strict: more than this fraction is needed, not just as much;
    base: 'registered' (all the members), 'present' (present or represented)
    or 'cast' (for and against: abstentions and blank votes don't count);
    source: the text that says so.
    """
    quorum: Fraction | None
    majority: Fraction
    strict: bool
    base: str
    source: str = ''

    def __post_init__(self):
        if self.base not in BASES:
            raise ValueError(f"unknown base {self.base!r}")
        if self.quorum is not None and not 0 < self.quorum <= 1:
            raise ValueError("the quorum must be between 0 and 1")
        if not 0 < self.majority <= 1 or (self.majority == 1 and self.strict):
            raise ValueError("the majority must be between 0 and 1")

    def quorum_needed(self, members):
        "Return how many members make the quorum, None without quorum"
        if self.quorum is not None:
            return ceil(self.quorum * members)

    def threshold(self, members, present, cast):
        "Return the exact Fraction of votes to reach, or pass when strict"
        return self.majority * {
            'registered': members, 'present': present, 'cast': cast,
            }[self.base]

    def votes_needed(self, members, present, cast):
        "Return the least number of whole votes in favour that adopts"
        threshold = self.threshold(members, present, cast)
        return max(
            floor(threshold) + 1 if self.strict else ceil(threshold), 1)


HALF = Fraction(1, 2)
# Legal minimum by kind of assembly and call.  The simplified company (SAS)
# has none of its own: only its statutes decide.
LEGAL = {
    ('scop_sarl_ordinary', 1): Rule(
        None, HALF, True, 'registered', "Code de commerce art. L223-29"),
    ('scop_sarl_ordinary', 2): Rule(
        None, HALF, True, 'cast', "Code de commerce art. L223-29"),
    ('scop_sarl_extraordinary', 1): Rule(
        Fraction(1, 4), Fraction(2, 3), False, 'present',
        "Code de commerce art. L223-30"),
    ('scop_sarl_extraordinary', 2): Rule(
        Fraction(1, 5), Fraction(2, 3), False, 'present',
        "Code de commerce art. L223-30"),
    ('scop_sa_ordinary', 1): Rule(
        Fraction(1, 5), HALF, True, 'cast',
        "Code de commerce art. L225-98"),
    ('scop_sa_ordinary', 2): Rule(
        None, HALF, True, 'cast', "Code de commerce art. L225-98"),
    ('scop_sa_extraordinary', 1): Rule(
        Fraction(1, 4), Fraction(2, 3), False, 'cast',
        "Code de commerce art. L225-96"),
    ('scop_sa_extraordinary', 2): Rule(
        Fraction(1, 5), Fraction(2, 3), False, 'cast',
        "Code de commerce art. L225-96"),
    }
# Days between the convocation and the meeting by legal form and call.
NOTICE = {
    ('scop_sarl', 1): (15, "Code de commerce art. R223-20"),
    ('scop_sarl', 2): (15, "Code de commerce art. R223-20"),
    ('scop_sa', 1): (15, "Code de commerce art. R225-69"),
    ('scop_sa', 2): (10, "Code de commerce art. R225-69"),
    }
# What the model statutes of cooperatives add to the legal minimum.
MODEL_STATUTES = {
    ('scop_sarl_extraordinary', 1): Rule(
        Fraction(3, 4), Fraction(3, 4), False, 'present', "Statuts types"),
    ('scop_sarl_extraordinary', 2): Rule(
        Fraction(1, 2), Fraction(3, 4), False, 'present', "Statuts types"),
    }


def rule(kind, call=1):
    """Return the legal Rule of the kind of assembly on this call

    Raise KeyError for a kind that the law leaves to the statutes.
    """
    return LEGAL[kind, min(call, 2)]


def stricter(legal, statutes):
    """Return the rule of the statutes if it is nowhere below the legal one

    Raise ValueError otherwise.
    """
    wide = BASES.index
    if ((statutes.quorum or 0) < (legal.quorum or 0)
            or statutes.majority < legal.majority
            or (statutes.majority == legal.majority
                and legal.strict and not statutes.strict)
            or wide(statutes.base) > wide(legal.base)):
        raise ValueError("the statutes can't ask for less than the law")
    return replace(statutes, source=statutes.source or "Statuts")


def proxy_limit(members):
    """Return how many other members one member may represent

    One below 20 members, else a twentieth of them (loi 78-763 art. 14).
    """
    return 1 if members < 20 else members // 20


def external_weight(internal, external, cap=EXTERNAL_CAP):
    """Return the Fraction of a vote that each external member has

    Members who never worked there hold together at most the cap of the
    votes; beyond it theirs are reduced in proportion (loi 47-1775 du 10
    septembre 1947, art. 3 bis).  internal: number of members employed there,
    now or before; external: number of the others.
    """
    if not internal or external <= cap * (internal + external):
        return Fraction(1)
    return cap / (1 - cap) * internal / external


Decision = namedtuple(
    'Decision', ['adopted', 'quorum', 'quorate', 'votes_needed'])


def decide(rule, members, present, for_, against, blank=0):
    """Return the Decision of the votes under the rule

    members: votes of all who are registered; present: votes of those
    present or represented; for_, against, blank: votes given.  They are heads
    (int), or Fractions where a vote is reduced.  Who is present and gave no
    vote abstains.  Raise ValueError on figures that can't be.
    """
    if (min(members, present, for_, against, blank) < 0
            or present > members or for_ + against + blank > present):
        raise ValueError("there are more votes than voters")
    cast = for_ + against
    quorate = rule.quorum is None or present >= rule.quorum * members
    threshold = rule.threshold(members, present, cast)
    enough = for_ > threshold if rule.strict else for_ >= threshold
    return Decision(
        adopted=bool(quorate and enough and for_),
        quorum=rule.quorum_needed(members),
        quorate=quorate,
        votes_needed=rule.votes_needed(members, present, cast))
