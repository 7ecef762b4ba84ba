/* chart.h: line and area charts as inline SVG, with colours by CSS class (report.c's style sheet)
 * so that they follow light and dark. */
#ifndef ASSAY_CHART_H
#define ASSAY_CHART_H

#include <stdbool.h>

#include "base/str.h"

enum { CHART_MEAN_STEPS = 10 };

struct chart_series {
    const char *name, *css; /* css: the class that gives the colour */
    const double *y;        /* NaN: no value */
};

struct chart {
    const char *title, *note;
    int n;          /* steps, 1 .. n */
    bool percent;   /* values are shares */
    bool from_zero; /* the axis starts at zero */
};

/* One line a series: each step thin, the mean of the last CHART_MEAN_STEPS thick. */
void chart_lines(struct buf *out, const struct chart *c, const struct chart_series *series,
                 int n_series);
/* Areas on top of each other, up to 1; the series are shares that add up to 1. */
void chart_areas(struct buf *out, const struct chart *c, const struct chart_series *series,
                 int n_series);
/* Appends text with what HTML treats specially escaped. */
void html_text(struct buf *out, struct str text);

#endif
