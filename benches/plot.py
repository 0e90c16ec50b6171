"""Draws requests a second over time, granted and refused, one panel a run."""

import collections
import html
import math

WIDTH, HEIGHT, GAP, LEFT = 860, 110, 46, 50
GRANTED, REFUSED, LIMIT = "#4477aa", "#cc3311", "#222222"


def panel(top, name, figures, seconds):
    """One run: a bar a second, and the binding resource's budget as a line."""
    resource = figures.binds or "authentication"
    of = [it for it in figures.journal if it.resource == resource]
    start = of[0].at
    granted = collections.Counter(int(it.at - start) for it in of if not it.throttled)
    refused = collections.Counter(int(it.at - start) for it in of if it.throttled)
    rate = figures.budget.per_second(resource)
    most = max([granted[n] + refused[n] for n in range(seconds)] + [rate or 0])
    wide, high = (WIDTH - LEFT) / seconds, HEIGHT / most
    title = f"{name}: {resource}, {figures.seconds:.0f} s"
    yield f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{html.escape(title)}</text>'
    for n in range(min(seconds, math.ceil(figures.seconds))):
        below = top + HEIGHT
        for count, colour in (granted[n], GRANTED), (refused[n], REFUSED):
            if count:
                below -= count * high
                yield (f'<rect x="{LEFT + n * wide:.1f}" y="{below:.1f}" width="{wide:.2f}" height="{count * high:.1f}" '
                       f'fill="{colour}"/>')
    if rate:
        at = top + HEIGHT - rate * high
        yield f'<line x1="{LEFT}" x2="{WIDTH}" y1="{at:.1f}" y2="{at:.1f}" stroke="{LIMIT}" stroke-dasharray="4 3"/>'
    for value in 0, most:
        yield f'<text x="{LEFT - 6}" y="{top + HEIGHT - value * high + 4:.1f}" text-anchor="end">{value:.0f}</text>'


def draw(path, runs):
    """Writes the panels of these runs, by name, on one scale of time."""
    seconds = math.ceil(max(figures.seconds for figures in runs.values()))
    lines = [line for n, (name, figures) in enumerate(runs.items())
             for line in panel(GAP + n * (HEIGHT + GAP), name, figures, seconds)]
    bottom = GAP + len(runs) * (HEIGHT + GAP)
    step = next(step for step in (10, 30, 60, 120, 300) if seconds / step <= 12)
    lines += [f'<text x="{LEFT + n * (WIDTH - LEFT) / seconds:.1f}" y="{bottom - 24}" text-anchor="middle">{n} s</text>'
              for n in range(0, seconds + 1, step)]
    words = "Requests a second: granted in blue, refused in red; the dashed line is the budget"
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 20} {bottom}" '
                  f'font-family="sans-serif" font-size="12"><title>{words}</title>'
                  f'<rect width="100%" height="100%" fill="white"/><text x="{LEFT}" y="18">{words}</text>')
        out.write("\n".join(lines) + "</svg>\n")
