/* chart.c: charts as SVG. Coordinates are of a fixed box that the browser scales; long runs are
 * drawn as at most POINTS_MAX means. */
#include "trainer/rl/chart.h"

#include <math.h>
#include <stdlib.h>

enum { WIDTH = 640, HEIGHT = 240, LEFT = 52, RIGHT = 12, TOP = 10, BOTTOM = 26, POINTS_MAX = 320 };

struct axis {
    double low, high, tick;
};

void html_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        switch (text.s[i]) {
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        default:
            buf_char(out, text.s[i]);
        }
}

/* 1, 2 or 5 times a power of ten, such that about `steps` of them cover `range`. */
static double nice_tick(double range, int steps)
{
    double raw = range / steps, power = pow(10, floor(log10(raw))), mantissa = raw / power;
    return power * (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10);
}

static struct axis axis_of(const struct chart *c, const struct chart_series *series, int n_series)
{
    double low = INFINITY, high = -INFINITY;
    for (int s = 0; s < n_series; s++)
        for (int i = 0; i < c->n; i++)
            if (isfinite(series[s].y[i])) {
                low = fmin(low, series[s].y[i]);
                high = fmax(high, series[s].y[i]);
            }
    if (!isfinite(low))
        low = 0, high = 1;
    if (c->from_zero)
        low = fmin(low, 0);
    if (high - low < 1e-9)
        high = low + fmax(fabs(low), 1) * .1;
    double tick = nice_tick(high - low, 4);
    return (struct axis){floor(low / tick) * tick, ceil(high / tick) * tick, tick};
}

static double x_of(const struct chart *c, double i)
{
    return c->n < 2 ? LEFT : LEFT + (WIDTH - LEFT - RIGHT) * i / (c->n - 1);
}

static double y_of(const struct axis *a, double y)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (y - a->low) / (a->high - a->low));
}

static void value_text(struct buf *out, const struct chart *c, double v, double tick)
{
    if (c->percent)
        buf_printf(out, "%.*f%%", tick < .01 ? 1 : 0, v * 100);
    else
        buf_printf(out, "%.*f", tick >= 1 ? 0 : tick >= .1 ? 1 : tick >= .01 ? 2 : 3, v);
}

static void open_figure(struct buf *out, const struct chart *c, const struct axis *a,
                        const struct chart_series *series, int n_series)
{
    buf_printf(out, "<figure><figcaption><b>%s</b> <span>%s</span>", c->title,
               c->note ? c->note : "");
    for (int s = 0; n_series > 1 && s < n_series; s++)
        buf_printf(out, " <i class=\"%s\"></i>%s", series[s].css, series[s].name);
    buf_printf(out, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
               WIDTH, HEIGHT, c->title);
    int ticks = (int)lround((a->high - a->low) / a->tick);
    for (int i = 0; i <= ticks; i++) {
        double v = a->low + i * a->tick;
        double y = y_of(a, v);
        buf_printf(out,
                   "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                   "text-anchor=\"end\">",
                   LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4);
        value_text(out, c, fabs(v) < a->tick * 1e-6 ? 0 : v, a->tick);
        buf_puts(out, "</text>\n");
    }
    int tick = c->n > 8 ? (int)fmax(1, nice_tick(c->n, 8)) : 1;
    for (int step = tick; step <= c->n; step += tick)
        buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>",
                   x_of(c, step - 1), HEIGHT - 8, step);
    buf_char(out, '\n');
}

/* Steps drawn as one point. */
static int stride_of(const struct chart *c)
{
    return c->n > POINTS_MAX ? (c->n + POINTS_MAX - 1) / POINTS_MAX : 1;
}

/* Mean of the finite values of y[from .. to), NaN without any. */
static double mean_of(const double *y, int from, int to)
{
    double sum = 0;
    int n = 0;
    for (int i = from < 0 ? 0 : from; i < to; i++)
        if (isfinite(y[i]))
            sum += y[i], n++;
    return n ? sum / n : NAN;
}

/* The path of y, each point the mean of `window` steps that end there (at least the stride). A gap
 * lifts the pen. */
static void line(struct buf *out, const struct chart *c, const struct axis *a, const double *y,
                 int window)
{
    int stride = stride_of(c);
    bool down = false;
    for (int i = 0; i < c->n; i += stride) {
        int end = i + stride < c->n ? i + stride : c->n;
        double v = mean_of(y, end - (window > stride ? window : stride), end);
        if (isfinite(v))
            buf_printf(out, "%s%.1f %.1f", down ? "L" : "M", x_of(c, end - 1), y_of(a, v));
        down = isfinite(v);
    }
}

/* Invisible columns that show a step's numbers under the pointer. */
static void hover(struct buf *out, const struct chart *c, const struct chart_series *series,
                  int n_series)
{
    int stride = stride_of(c);
    double width = (double)(WIDTH - LEFT - RIGHT) * stride / (c->n > 1 ? c->n - 1 : 1);
    for (int i = 0; i < c->n; i += stride) {
        int end = i + stride < c->n ? i + stride : c->n;
        buf_printf(
            out,
            "<rect class=\"hover\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>step %d",
            x_of(c, end - 1) - width / 2, TOP, width, HEIGHT - TOP - BOTTOM, end);
        for (int s = 0; s < n_series; s++) {
            double v = mean_of(series[s].y, i, end);
            if (!isfinite(v))
                continue;
            buf_printf(out, "\n%s ", series[s].name);
            value_text(out, c, v, .001);
        }
        buf_puts(out, "</title></rect>\n");
    }
}

void chart_lines(struct buf *out, const struct chart *c, const struct chart_series *series,
                 int n_series)
{
    struct axis a = axis_of(c, series, n_series);
    open_figure(out, c, &a, series, n_series);
    for (int s = 0; s < n_series; s++) {
        buf_printf(out, "<path class=\"thin %s\" d=\"", series[s].css);
        line(out, c, &a, series[s].y, 1);
        buf_printf(out, "\"/>\n<path class=\"thick %s\" d=\"", series[s].css);
        line(out, c, &a, series[s].y, CHART_MEAN_STEPS);
        buf_puts(out, "\"/>\n");
    }
    hover(out, c, series, n_series);
    buf_puts(out, "</svg></figure>\n");
}

void chart_areas(struct buf *out, const struct chart *c, const struct chart_series *series,
                 int n_series)
{
    const struct axis a = {0, 1, .25};
    double *below = xcalloc((size_t)c->n, sizeof *below),
           *above = xcalloc((size_t)c->n, sizeof *above);
    open_figure(out, c, &a, series, n_series);
    for (int s = 0; s < n_series; s++) {
        int stride = stride_of(c);
        for (int i = 0; i < c->n; i++)
            above[i] = below[i] + (isfinite(series[s].y[i]) ? series[s].y[i] : 0);
        buf_printf(out, "<path class=\"area %s\" d=\"M", series[s].css);
        for (int i = 0; i < c->n; i += stride)
            buf_printf(out, "%.1f %.1fL", x_of(c, i),
                       y_of(&a, mean_of(above, i, i + stride < c->n ? i + stride : c->n)));
        for (int i = (c->n - 1) / stride * stride; i >= 0; i -= stride)
            buf_printf(out, "%.1f %.1f%s", x_of(c, i),
                       y_of(&a, mean_of(below, i, i + stride < c->n ? i + stride : c->n)),
                       i ? "L" : "Z");
        buf_puts(out, "\"/>\n");
        double *swap = below;
        below = above;
        above = swap;
    }
    hover(out, c, series, n_series);
    buf_puts(out, "</svg></figure>\n");
    free(below);
    free(above);
}
