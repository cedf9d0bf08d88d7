# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"Proxies and decisions of assemblies: boundaries, properties"
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trytond.modules.cae_governance import majority


@pytest.mark.parametrize('members, limit', [
        (1, 1), (2, 1), (19, 1), (20, 1), (39, 1), (40, 2), (59, 2),
        (60, 3), (61, 3), (100, 5), (3500, 175)])
def test_proxy_limit(members, limit):
    assert majority.proxy_limit(members) == limit


def _decide(kind, call, *votes):
    return majority.decide(majority.rule(kind, call), *votes)


@pytest.mark.parametrize('kind, call, votes, adopted', [
        # more than half of all the members, whoever came
        ('scop_sarl_ordinary', 1, (40, 40, 20, 20), False),
        ('scop_sarl_ordinary', 1, (40, 21, 21, 0), True),
        ('scop_sarl_ordinary', 1, (40, 40, 21, 19), True),
        ('scop_sarl_ordinary', 1, (41, 20, 20, 0), False),
        ('scop_sarl_ordinary', 1, (41, 21, 21, 0), True),
        # then more than half of the votes cast
        ('scop_sarl_ordinary', 2, (40, 1, 1, 0), True),
        ('scop_sarl_ordinary', 2, (40, 10, 5, 5), False),
        ('scop_sarl_ordinary', 2, (40, 11, 5, 5, 1), False),
        ('scop_sarl_ordinary', 2, (40, 40, 1, 0, 39), True),
        ('scop_sarl_ordinary', 2, (40, 40, 0, 0, 40), False),
        ('scop_sarl_ordinary', 2, (40, 0, 0, 0), False),
        # exactly two thirds of the present, abstentions weigh against
        ('scop_sarl_extraordinary', 1, (40, 30, 20, 10), True),
        ('scop_sarl_extraordinary', 1, (40, 30, 19, 0, 11), False),
        ('scop_sarl_extraordinary', 1, (40, 30, 19, 0), False),
        ('scop_sarl_extraordinary', 1, (40, 10, 7, 3), True),
        ('scop_sarl_extraordinary', 1, (40, 9, 9, 0), False),
        ('scop_sarl_extraordinary', 1, (41, 11, 11, 0), True),
        ('scop_sarl_extraordinary', 2, (41, 9, 9, 0), True),
        ('scop_sarl_extraordinary', 2, (41, 8, 8, 0), False),
        # votes cast only
        ('scop_sa_ordinary', 1, (120, 24, 1, 0, 23), True),
        ('scop_sa_ordinary', 1, (120, 23, 23, 0), False),
        ('scop_sa_ordinary', 2, (120, 1, 1, 0), True),
        ('scop_sa_ordinary', 1, (120, 30, 13, 13, 4), False),
        ('scop_sa_extraordinary', 1, (120, 30, 14, 7, 9), True),
        ('scop_sa_extraordinary', 1, (120, 30, 13, 7, 10), False),
        ('scop_sa_extraordinary', 1, (120, 29, 29, 0), False),
        ('scop_sa_extraordinary', 2, (120, 24, 24, 0), True),
        ('scop_sa_extraordinary', 2, (120, 23, 23, 0), False),
        ])
def test_boundaries(kind, call, votes, adopted):
    assert _decide(kind, call, *votes).adopted is adopted


def test_third_call_is_as_the_second():
    assert (
        majority.rule('scop_sarl_ordinary', 3)
        == majority.rule('scop_sarl_ordinary', 2))


def test_second_call_needs():
    decision = _decide('scop_sarl_ordinary', 2, 40, 21, 18, 3)
    assert decision.votes_needed == 11
    assert decision.quorum is None


def test_votes_before_2019():
    "The base was all the votes of those present: 14 of 30 was not enough"
    before = replace(
        majority.rule('scop_sa_ordinary', 1), base='present')
    votes = (120, 30, 14, 12, 4)
    assert not majority.decide(before, *votes).adopted
    assert _decide('scop_sa_ordinary', 1, *votes).adopted


def test_model_statutes():
    rule = majority.MODEL_STATUTES['scop_sarl_extraordinary', 1]
    assert majority.stricter(
        majority.rule('scop_sarl_extraordinary', 1), rule) == rule
    decision = majority.decide(rule, 41, 31, 24, 7)
    assert decision == (True, 31, True, 24)
    assert not majority.decide(rule, 41, 31, 23, 0).adopted
    assert not majority.decide(rule, 41, 30, 30, 0).adopted


@pytest.mark.parametrize('kind, call, statutes', [
        ('scop_sa_ordinary', 1, {'quorum': Fraction(1, 6)}),
        ('scop_sa_ordinary', 1, {'quorum': None}),
        ('scop_sa_ordinary', 1, {'majority': Fraction(49, 100)}),
        ('scop_sa_ordinary', 1, {'strict': False}),
        ('scop_sarl_ordinary', 1, {'base': 'cast'}),
        ('scop_sarl_extraordinary', 1, {'base': 'cast'}),
        ])
def test_statutes_below_the_law(kind, call, statutes):
    legal = majority.rule(kind, call)
    with pytest.raises(ValueError):
        majority.stricter(legal, replace(legal, **statutes))


def test_sas_is_left_to_the_statutes():
    with pytest.raises(KeyError):
        majority.rule('scop_sas_ordinary', 1)


@pytest.mark.parametrize('values', [
        {'base': 'shares'}, {'quorum': Fraction(0)}, {'quorum': Fraction(2)},
        {'majority': Fraction(3, 2)}, {'majority': Fraction(1)}])
def test_impossible_rules(values):
    with pytest.raises(ValueError):
        replace(majority.rule('scop_sa_ordinary', 1), **values)


@pytest.mark.parametrize('votes', [
        (40, 41, 0, 0), (40, 10, 6, 5), (40, 10, 5, 5, 1), (40, 10, -1, 0)])
def test_impossible_figures(votes):
    with pytest.raises(ValueError):
        _decide('scop_sarl_ordinary', 2, *votes)


def test_external_weight():
    assert majority.external_weight(40, 10) == 1
    weight = majority.external_weight(30, 20)
    assert weight == Fraction(21, 26)
    assert 20 * weight / (30 + 20 * weight) == majority.EXTERNAL_CAP
    assert majority.external_weight(65, 35) == 1
    assert majority.external_weight(64, 35) < 1
    assert majority.external_weight(0, 5) == 1


kinds = st.sampled_from(sorted(majority.LEGAL))


@st.composite
def votes(draw):
    members = draw(st.integers(1, 400))
    present = draw(st.integers(0, members))
    for_ = draw(st.integers(0, present))
    against = draw(st.integers(0, present - for_))
    blank = draw(st.integers(0, present - for_ - against))
    return members, present, for_, against, blank


@given(kinds, votes())
def test_more_for_never_rejects(kind, votes):
    members, present, for_, against, blank = votes
    rule = majority.LEGAL[kind]
    adopted = majority.decide(rule, *votes).adopted
    # someone who abstained, who voted against, or who just came in
    others = []
    if for_ + against + blank < present:
        others.append((members, present, for_ + 1, against, blank))
    if against:
        others.append((members, present, for_ + 1, against - 1, blank))
    if present < members:
        others.append((members, present + 1, for_ + 1, against, blank))
    for other in others:
        assert majority.decide(rule, *other).adopted >= adopted


@given(kinds, votes())
def test_more_against_never_adopts(kind, votes):
    members, present, for_, against, blank = votes
    rule = majority.LEGAL[kind]
    if for_ + against + blank < present:
        after = (members, present, for_, against + 1, blank)
        assert (
            majority.decide(rule, *after).adopted
            <= majority.decide(rule, *votes).adopted)


@given(kinds, votes())
def test_votes_needed_is_the_border(kind, votes):
    members, present, for_, against, blank = votes
    decision = majority.decide(majority.LEGAL[kind], *votes)
    assert decision.adopted == (
        decision.quorate and for_ >= decision.votes_needed)
    if decision.quorum is not None:
        assert decision.quorate == (present >= decision.quorum)


@given(kinds, votes())
def test_no_decision_without_a_majority_of_the_votes(kind, votes):
    _, _, for_, against, _ = votes
    if majority.decide(majority.LEGAL[kind], *votes).adopted:
        assert for_ > against


@given(st.integers(0, 100), votes())
def test_stricter_statutes_adopt_less(percent, votes):
    for legal in majority.LEGAL.values():
        statutes = replace(
            legal,
            majority=max(legal.majority, Fraction(percent, 101)),
            base='registered', quorum=Fraction(1, 2))
        statutes = majority.stricter(legal, statutes)
        assert (
            majority.decide(statutes, *votes).adopted
            <= majority.decide(legal, *votes).adopted)


@given(st.integers(1, 300), st.integers(0, 300))
def test_external_share(internal, external):
    weight = majority.external_weight(internal, external)
    assert 0 < weight <= 1
    votes = external * weight
    assert votes <= majority.EXTERNAL_CAP * (internal + votes)


@given(st.integers(1, 10000))
def test_nobody_holds_more_than_a_twentieth(members):
    limit = majority.proxy_limit(members)
    assert limit >= 1
    assert members < 40 or 20 * limit <= members < 20 * (limit + 1)
