# This file is part of trytond-cae. The COPYRIGHT file at the top level of
# this repository contains the full copyright notices and license terms.
"""The picture of levels reached and aimed at, as SVG."""
from math import cos, pi, sin
from xml.sax.saxutils import escape

# In the unit of the picture
WIDTH = 700
CENTER = 350, 240
RADIUS = 150
BAR = 20
LABEL = 24
SERIES = [
    ('#1f4e5f', 'fill="#1f4e5f" fill-opacity="0.35"'),
    ('#c75b12', 'fill="none" stroke-dasharray="7 4"'),
    ]


def size(count):
    "Return the width and height of the picture of that many labels"
    return WIDTH, 430 if count > 2 else 90 + 4 * BAR * count


def shorten(text, length=LABEL):
    "Return the text on one line of at most the length"
    text = ' '.join(text.split())
    return text if len(text) <= length else text[:length - 1].rstrip() + '…'


def points(values, top):
    """Return the corners of the polygon of the values, clockwise from above.

    The values go from 0, the centre, to the top, the outermost circle.
    """
    return [
        (CENTER[0] + RADIUS * value / top * sin(2 * pi * i / len(values)),
            CENTER[1] - RADIUS * value / top * cos(2 * pi * i / len(values)))
        for i, value in enumerate(values)]


def _text(x, y, text, anchor='middle', size=13):
    text = ''.join(c for c in text if c >= ' ' and not '\ud7ff' < c < '\ue000'
        and c not in '\ufffe\uffff')
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
        f'font-size="{size}" fill="#22303a">{escape(text)}</text>')


def _line(x1, y1, x2, y2, style='stroke="#c9d1d6"'):
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'{style}/>')


def _radar(labels, series, levels):
    top = len(levels)
    for level in range(1, top + 1):
        radius = RADIUS * level / top
        yield (
            f'<circle cx="{CENTER[0]}" cy="{CENTER[1]}" r="{radius:.1f}" '
            'fill="none" stroke="#c9d1d6"/>')
    for (x, y), label in zip(points([top] * len(labels), top), labels):
        yield _line(*CENTER, x, y)
        dx, dy = x - CENTER[0], y - CENTER[1]
        anchor = 'middle'
        if abs(dx) > RADIUS / 10:
            anchor = 'start' if dx > 0 else 'end'
        yield _text(
            x + dx / RADIUS * 12, y + dy / RADIUS * 16 + 4, shorten(label),
            anchor)
    for (color, style), values in zip(SERIES, series):
        corners = points(values, top)
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in corners)
        yield (
            f'<polygon points="{path}" stroke="{color}" stroke-width="2" '
            f'{style}/>')
        for x, y in corners:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>'
    # On the first axis, over what is drawn
    for level, name in enumerate(levels, 1):
        yield _text(
            CENTER[0] + 4, CENTER[1] - RADIUS * level / top + 13,
            shorten(name), 'start', 10)


def _bars(labels, series, levels):
    "Draw one or two skills, of which a radar would show nothing"
    top = len(levels)
    left, width = 220, 340
    bottom = size(len(labels))[1] - 30
    for level, name in enumerate(['', *levels]):
        x = left + width * level / top
        yield _line(x, 50, x, bottom)
        yield _text(x, bottom + 16, shorten(name), size=10)
    for i, label in enumerate(labels):
        y = 60 + i * 4 * BAR
        yield _text(left - 12, y + BAR + 4, shorten(label), 'end')
        for (color, style), values in zip(SERIES, series):
            if values[i]:
                yield (
                    f'<rect x="{left}" y="{y}" '
                    f'width="{width * values[i] / top:.1f}" '
                    f'height="{BAR - 2}" stroke="{color}" stroke-width="2" '
                    f'{style}/>')
            y += BAR


def svg(labels, values, targets, levels, names):
    """Return the SVG text of the values and targets of the labels.

    `levels` are the names of the levels 1, 2… from the lowest; the values and
    targets are integers from 0, none, to their number. `names` are those of
    the two series, for the legend. Three labels and more make a radar, fewer
    make bars.
    """
    assert len(labels) == len(values) == len(targets)
    draw = _radar if len(labels) > 2 else _bars
    width, height = size(len(labels))
    content = list(draw(labels, [values, targets], levels))
    for i, ((color, style), name) in enumerate(zip(SERIES, names)):
        x, y = 220 + i * 150, 12
        content.append(
            f'<rect x="{x}" y="{y}" width="24" height="12" '
            f'stroke="{color}" stroke-width="2" {style}/>')
        content.append(_text(x + 32, y + 11, shorten(name), 'start'))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" '
        'font-family="Liberation Sans, Arial, sans-serif">'
        + ''.join(content) + '</svg>')
