"""Curves on log axes as SVG, without a library: a frame, decades, polylines, a legend."""

from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 560, 420, 70, 40, 20, 130
COLOURS = ("#1b6ca8", "#c0392b", "#1e8449", "#8e44ad", "#b9770e", "#555555")
ROW = 18


def chart(title, across, up, curves):
    """Return an SVG document.

    Args:
        title: what stands on top.
        across, up: what the axes count.
        curves: points (x, y) by name, all positive; names without points are left out.
    """
    drawn = {name: sorted(points) for name, points in curves.items() if points}
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    place = _places(_decades(xs), _decades(ys))
    parts = [*_frame(title, across, up), *_grid(_decades(xs), _decades(ys), place)]
    for number, (name, points) in enumerate(drawn.items()):
        parts += _curve(number, name, [place(x, y) for x, y in points])
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="#222222">\n{body}\n</svg>\n'
    )


def _decades(values):
    """Return the powers of ten around the values."""
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def _places(across, up):
    """Return what turns a point into a place on the page."""

    def place(x, y):
        right = (log10(x) - across[0]) / (across[1] - across[0])
        high = (log10(y) - up[0]) / (up[1] - up[0])
        return LEFT + right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - high * (
            HEIGHT - TOP - BOTTOM
        )

    return place


def _text(x, y, text, more=""):
    """Return a line of text."""
    return f'<text x="{x:.0f}" y="{y:.0f}" {more}>{escape(text)}</text>'


def _frame(title, across, up):
    """Yield background, title and what the axes count."""
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    yield _text(WIDTH / 2, 22, title, 'text-anchor="middle" font-size="15"')
    yield _text(WIDTH / 2, HEIGHT - BOTTOM + 36, across, 'text-anchor="middle"')
    turned = f'text-anchor="middle" transform="rotate(-90 16 {middle:.0f})"'
    yield _text(16, middle, up, turned)


def _grid(across, up, place):
    """Yield a line for each decade, with its number."""
    for power in range(across[0], across[1] + 1):
        x, low = place(10.0**power, 10.0 ** up[0])
        high = place(10.0**power, 10.0 ** up[1])[1]
        yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="#dddddd"/>'
        yield _text(x, low + 16, f"{10**power:,}", 'text-anchor="middle"')
    for power in range(up[0], up[1] + 1):
        left, y = place(10.0 ** across[0], 10.0**power)
        right = place(10.0 ** across[1], 10.0**power)[0]
        yield f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="#dddddd"/>'
        yield _text(left - 6, y + 4, f"{10.0**power:,g}", 'text-anchor="end"')


def _curve(number, name, places):
    """Yield a curve, its points and its line in the legend."""
    colour = COLOURS[number % len(COLOURS)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    x = LEFT + (number % 2) * (WIDTH - LEFT) / 2
    y = HEIGHT - BOTTOM + 60 + (number // 2) * ROW
    yield f'<path d="M{x:.0f} {y - 4:.0f}h18" stroke="{colour}" stroke-width="3"/>'
    yield _text(x + 24, y, name)
