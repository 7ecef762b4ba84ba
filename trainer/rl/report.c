/* report.c: report.html, one file without scripts or links, and the before/after table in plain
 * text. */
#include "trainer/rl/report.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "trainer/rl/chart.h"
#include "trainer/rl/runlog.h"
#include "verdict.h"

enum { RECIPE_BYTES_MAX = 1 << 20 };

static const char *const GRADES[] = GRADE_NAMES;
static const char *const GRADE_CSS[] = {"g0", "g1", "g2", "g3", "g4"};

/* ---- the before/after table ----------------------------------------------------------------- */

struct row {
    char name[48];
    double before, after, greedy_before, greedy_after; /* NaN: not measured */
};

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static struct row row_of(const char *name, const json_t *o)
{
    struct row r = {.before = number_of(o, "sft_pass_at_1"),
                    .after = number_of(o, "grpo_pass_at_1"),
                    .greedy_before = number_of(o, "sft_greedy"),
                    .greedy_after = number_of(o, "grpo_greedy")};
    snprintf(r.name, sizeof r.name, "%s", name);
    return r;
}

/* Calls `row` for all problems and for every level in turn. */
static void each_row(const json_t *summary, void (*row)(struct buf *out, const struct row *r),
                     struct buf *out)
{
    const char *level;
    json_t *o;
    char name[48];
    struct row r = row_of("all problems", summary);
    row(out, &r);
    json_object_foreach (json_object_get(summary, "by_ops"), level, o) {
        snprintf(name, sizeof name, "level %.30s", level);
        r = row_of(name, o);
        row(out, &r);
    }
}

static void text_cell(struct buf *out, double x, bool gain)
{
    if (isfinite(x))
        buf_printf(out, gain ? "  %+7.1f" : "  %6.1f%%", x * 100);
    else
        buf_puts(out, "        -");
}

static void text_row(struct buf *out, const struct row *r)
{
    buf_printf(out, "%-14s", r->name);
    text_cell(out, r->before, false);
    text_cell(out, r->after, false);
    text_cell(out, r->after - r->before, true);
    text_cell(out, r->greedy_before, false);
    text_cell(out, r->greedy_after, false);
    text_cell(out, r->greedy_after - r->greedy_before, true);
    buf_char(out, '\n');
}

static double grade_share(const json_t *grades, int g)
{
    double total = 0;
    for (int k = 0; k < GRADE_COUNT; k++)
        total += json_number_value(json_object_get(grades, GRADES[k]));
    return total > 0 ? json_number_value(json_object_get(grades, GRADES[g])) / total : NAN;
}

/* What a stage's time went into: keys of spent.h, and the heads of their columns. */
static const struct {
    const char *key, *head;
} SPENT[] = {{"seconds", "seconds"}, {"sample", "sample"}, {"grade_wait", "wait"},
             {"update", "update"},   {"idle", "idle"},     {"cpu", "cpu"}};

static void text_spent(struct buf *out, const json_t *stages)
{
    const json_t *stage;
    size_t i;
    if (!json_array_size(stages))
        return;
    buf_printf(out, "\n%-22s", "time");
    for (size_t k = 0; k < COUNT_OF(SPENT); k++)
        buf_printf(out, "%9s", SPENT[k].head);
    buf_char(out, '\n');
    json_array_foreach ((json_t *)stages, i, stage) {
        const char *name = json_string_value(json_object_get(stage, "stage"));
        buf_printf(out, "%-22.22s", name ? name : "");
        for (size_t k = 0; k < COUNT_OF(SPENT); k++) {
            const double s = number_of(stage, SPENT[k].key);
            if (isfinite(s))
                buf_printf(out, "%9.1f", s);
            else
                buf_puts(out, "        -");
        }
        buf_char(out, '\n');
    }
}

static void text_grades(struct buf *out, const json_t *before, const json_t *after)
{
    if (!before && !after)
        return;
    buf_puts(out, "\ngrades           before    after\n");
    for (int g = 0; g < GRADE_COUNT; g++) {
        buf_printf(out, "%-14s", GRADES[g]);
        text_cell(out, grade_share(before, g), false);
        text_cell(out, grade_share(after, g), false);
        buf_char(out, '\n');
    }
}

void report_text(const json_t *summary, struct buf *out)
{
    buf_puts(out, "pass@1              sampled                    greedy\n");
    buf_puts(out, "                 before    after     gain   before    after     gain\n");
    each_row(summary, text_row, out);
    text_grades(out, json_object_get(summary, "grades_before"),
                json_object_get(summary, "grades_after"));
    text_spent(out, json_object_get(summary, "stages"));
}

/* ---- HTML pieces ---------------------------------------------------------------------------- */

static const char STYLE[] =
    "<style>\n"
    ":root{color-scheme:light "
    "dark;--fg:#1c2024;--dim:#60656c;--bg:#fcfcfd;--card:#fff;--line:#e2e4e8;--accent:#2f6fd0;"
    "--g0:#8b8f97;--g1:#a874b8;--g2:#dd8452;--g3:#4b9c6c;--g4:#2a7fd4}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e8eaed;--dim:#9aa0a8;--bg:#131519;--card:#"
    "1b1e23;--line:#30343b;--accent:#6ea8fe;"
    "--g0:#7d828b;--g1:#b98cc8;--g2:#e59866;--g3:#63b585;--g4:#5aa2ec}}\n"
    "body{margin:0 auto;padding:1.5rem;max-width:72rem;font:15px/1.5 "
    "system-ui,sans-serif;color:var(--fg);background:var(--bg)}\n"
    "h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .6rem}p{margin:.2rem "
    "0;color:var(--dim)}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr));gap:"
    "1rem}\n"
    "figure{margin:0;padding:.8rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:8px}\n"
    "figcaption{font-size:.85rem;margin-bottom:.3rem}figcaption span{color:var(--dim)}\n"
    "i{display:inline-block;width:.7em;height:.7em;margin:0 .3em 0 .6em;border-radius:2px}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:11px "
    "system-ui,sans-serif;fill:var(--dim)}\n"
    ".grid{stroke:var(--line)}.thin,.thick{fill:none;stroke-linejoin:round}.thin{opacity:.35}."
    "thick{stroke-width:2.2}\n"
    ".hover{fill:transparent}.hover:hover{fill:var(--dim);fill-opacity:.15}\n"
    "path.main{stroke:var(--accent)}path.side{stroke:var(--g2)}i.main{background:var(--accent)}i."
    "side{background:var(--g2)}\n"
    ".g0{fill:var(--g0);background:var(--g0)}.g1{fill:var(--g1);background:var(--g1)}.g2{fill:var(-"
    "-g2);background:var(--g2)}"
    ".g3{fill:var(--g3);background:var(--g3)}.g4{fill:var(--g4);background:var(--g4)}\n"
    "table{border-collapse:collapse}th,td{padding:.35rem .9rem;border-bottom:1px solid "
    "var(--line);text-align:right;"
    "font-variant-numeric:tabular-nums}th:first-child,td:first-child{text-align:left}th{font-"
    "weight:600;color:var(--dim)}\n"
    ".gain{font-weight:600;color:var(--g3)}.loss{font-weight:600;color:var(--g2)}\n"
    ".bar{display:flex;height:1.4rem;border-radius:5px;overflow:hidden;margin:.25rem 0 .6rem}.bar "
    "div{min-width:0}\n"
    "pre{overflow:auto;padding:.8rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:8px;font-size:.85rem}\n"
    ".wide{overflow-x:auto}\n"
    "</style>\n";

static void html_cell(struct buf *out, double x, bool gain)
{
    if (!isfinite(x))
        buf_puts(out, "<td>–</td>");
    else if (gain)
        buf_printf(out, "<td class=\"%s\">%+.1f</td>", x >= 0 ? "gain" : "loss", x * 100);
    else
        buf_printf(out, "<td>%.1f%%</td>", x * 100);
}

static void html_row(struct buf *out, const struct row *r)
{
    buf_puts(out, "<tr><td>");
    html_text(out, str_of(r->name));
    buf_puts(out, "</td>");
    html_cell(out, r->before, false);
    html_cell(out, r->after, false);
    html_cell(out, r->after - r->before, true);
    html_cell(out, r->greedy_before, false);
    html_cell(out, r->greedy_after, false);
    html_cell(out, r->greedy_after - r->greedy_before, true);
    buf_puts(out, "</tr>\n");
}

static void html_grades(struct buf *out, const char *name, const json_t *grades)
{
    if (!json_is_object(grades))
        return;
    buf_printf(out, "<p>%s</p><div class=\"bar\">", name);
    for (int g = 0; g < GRADE_COUNT; g++)
        buf_printf(out, "<div class=\"%s\" style=\"width:%.2f%%\" title=\"%s %.1f%%\"></div>",
                   GRADE_CSS[g], grade_share(grades, g) * 100, GRADES[g],
                   grade_share(grades, g) * 100);
    buf_puts(out, "</div>\n");
}

static void html_spent(struct buf *out, const json_t *stages)
{
    const json_t *stage;
    size_t i;
    if (!json_array_size(stages))
        return;
    buf_puts(out,
             "<h2>Where the time went</h2><p>wait: for verdicts, when nothing was left to sample. "
             "idle: of the seconds, what a worker waited for another. cpu: of the trainer "
             "alone.</p><div class=\"wide\"><table><tr><th>stage</th>");
    for (size_t k = 0; k < COUNT_OF(SPENT); k++)
        buf_printf(out, "<th>%s</th>", SPENT[k].head);
    buf_puts(out, "</tr>\n");
    json_array_foreach ((json_t *)stages, i, stage) {
        const char *name = json_string_value(json_object_get(stage, "stage"));
        buf_puts(out, "<tr><td>");
        html_text(out, str_of(name ? name : ""));
        buf_puts(out, "</td>");
        for (size_t k = 0; k < COUNT_OF(SPENT); k++) {
            const double s = number_of(stage, SPENT[k].key);
            if (isfinite(s))
                buf_printf(out, "<td>%.1f</td>", s);
            else
                buf_puts(out, "<td>–</td>");
        }
        buf_puts(out, "</tr>\n");
    }
    buf_puts(out, "</table></div>\n");
}

static void html_summary(struct buf *out, const json_t *s)
{
    static const struct {
        const char *key, *text;
    } facts[] = {
        {"held_out_problems", "%.0f held-out problems"},
        {"grpo_steps", "%.0f GRPO steps"},
        {"verdicts", "%.0f verdicts"},
        {"tokens", "%.0f tokens"},
        {"seconds", "%.0f s"},
        {"seed", "seed %.0f"},
    };
    bool first = true;
    buf_puts(out, "<p>");
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        double x = number_of(s, facts[i].key);
        if (!isfinite(x))
            continue;
        buf_puts(out, first ? "" : " · ");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        buf_printf(out, facts[i].text, x);
#pragma GCC diagnostic pop
        first = false;
    }
    buf_puts(out, "</p>\n");
    if (!json_object_size(s))
        return;
    buf_puts(out, "<h2>Before and after reinforcement</h2><div "
                  "class=\"wide\"><table><tr><th>pass@1</th><th>before, sampled</th>"
                  "<th>after, sampled</th><th>gain</th><th>before, greedy</th><th>after, "
                  "greedy</th><th>gain</th></tr>\n");
    each_row(s, html_row, out);
    buf_puts(out, "</table></div>\n");
    if (json_object_get(s, "grades_before") || json_object_get(s, "grades_after")) {
        buf_puts(out, "<h2>Grades</h2><p>");
        for (int g = 0; g < GRADE_COUNT; g++)
            buf_printf(out, "<i class=\"%s\"></i>%s", GRADE_CSS[g], GRADES[g]);
        buf_puts(out, "</p>\n");
    }
    html_grades(out, "before", json_object_get(s, "grades_before"));
    html_grades(out, "after", json_object_get(s, "grades_after"));
    html_spent(out, json_object_get(s, "stages"));
}

/* ---- metrics -------------------------------------------------------------------------------- */

/* The lines of one stage kind, in order. */
static json_t *stage_lines(const json_t *lines, const char *stage)
{
    json_t *picked = json_array(), *line;
    size_t i;
    json_array_foreach ((json_t *)lines, i, line) {
        const char *name = json_string_value(json_object_get(line, "stage"));
        if (name && strcmp(name, stage) == 0)
            json_array_append(picked, line);
    }
    return picked;
}

/* A new array of the numbers under `key`; NULL when no line has one. */
static double *series(const json_t *lines, const char *key)
{
    size_t n = json_array_size(lines);
    double *y = xcalloc(n, sizeof *y);
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        y[i] = number_of(json_array_get(lines, i), key);
        any |= isfinite(y[i]);
    }
    if (any)
        return y;
    free(y);
    return NULL;
}

static void one_line(struct buf *out, const json_t *lines, const char *key,
                     const struct chart *like)
{
    struct chart c = *like;
    double *y = series(lines, key);
    c.n = (int)json_array_size(lines);
    if (y)
        chart_lines(out, &c, &(struct chart_series){c.title, "main", y}, 1);
    free(y);
}

static void grades_chart(struct buf *out, const json_t *lines)
{
    struct chart c = {.title = "Grades",
                      .note = "share of each step's completions",
                      .n = (int)json_array_size(lines),
                      .percent = true};
    struct chart_series s[GRADE_COUNT];
    double *y[GRADE_COUNT];
    char key[40];
    bool all = true;
    for (int g = 0; g < GRADE_COUNT; g++) {
        snprintf(key, sizeof key, "grades/%s", GRADES[g]);
        y[g] = series(lines, key);
        s[g] = (struct chart_series){GRADES[g], GRADE_CSS[g], y[g]};
        all &= y[g] != NULL;
    }
    for (int i = 0; all && i < c.n; i++) {
        double total = 0;
        for (int g = 0; g < GRADE_COUNT; g++)
            total += isfinite(y[g][i]) ? y[g][i] : 0;
        for (int g = 0; g < GRADE_COUNT; g++)
            y[g][i] = total > 0 ? y[g][i] / total : NAN;
    }
    if (all)
        chart_areas(out, &c, s, GRADE_COUNT);
    for (int g = 0; g < GRADE_COUNT; g++)
        free(y[g]);
}

static void html_charts(struct buf *out, const json_t *lines)
{
    json_t *grpo = stage_lines(lines, "grpo"), *sft = stage_lines(lines, "sft");
    if (json_array_size(grpo)) {
        buf_printf(out,
                   "<h2>Reinforcement, step by step</h2><p>Thin: each step. Thick: mean of the "
                   "last %d.</p><div class=\"charts\">\n",
                   CHART_MEAN_STEPS);
        one_line(out, grpo, "reward",
                 &(struct chart){.title = "Reward", .note = "mean of the step's completions"});
        one_line(
            out, grpo, "pass_rate",
            &(struct chart){.title = "Pass rate", .note = "correct or faster", .percent = true});
        grades_chart(out, grpo);
        one_line(out, grpo, "completions/mean_length",
                 &(struct chart){.title = "Completion length", .note = "tokens, mean"});
        one_line(out, grpo, "frac_reward_zero_std",
                 &(struct chart){.title = "Groups without a signal",
                                 .note = "all rewards equal",
                                 .percent = true,
                                 .from_zero = true});
        one_line(out, grpo, "entropy",
                 &(struct chart){.title = "Entropy", .note = "nats per token", .from_zero = true});
        buf_puts(out, "</div>\n");
    }
    if (json_array_size(sft)) {
        buf_puts(out, "<h2>Supervised start</h2><div class=\"charts\">\n");
        one_line(out, sft, "loss",
                 &(struct chart){
                     .title = "Loss", .note = "nats per completion token", .from_zero = true});
        one_line(out, sft, "grad_norm",
                 &(struct chart){
                     .title = "Gradient norm", .note = "before clipping", .from_zero = true});
        buf_puts(out, "</div>\n");
    }
    json_decref(grpo);
    json_decref(sft);
}

static void html_recipe(struct buf *out, const char *dir)
{
    char path[PATH_MAX];
    struct buf text = {0};
    snprintf(path, sizeof path, "%s/recipe.yaml", dir);
    if (file_read(path, RECIPE_BYTES_MAX, &text, NULL) == 0) {
        buf_puts(out, "<h2>Recipe</h2><details><summary>every setting of this run</summary><pre>");
        html_text(out, buf_view(&text));
        buf_puts(out, "</pre></details>\n");
    }
    buf_free(&text);
}

int report_html(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    struct buf out = {0};
    json_error_t bad;
    json_t *lines = json_array(), *summary = json_object();
    int rc = runlog_lines(dir, lines, err);
    snprintf(path, sizeof path, "%s/summary.json", dir);
    if (rc == 0 && access(path, F_OK) == 0) {
        json_decref(summary);
        summary = json_load_file(path, 0, &bad);
        if (!summary)
            rc = err_set(err, -EINVAL, "%s:%d: %s", path, bad.line, bad.text);
    }
    if (rc == 0) {
        buf_puts(&out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" "
                       "content=\"width=device-width,initial-scale=1\"><title>assay: ");
        html_text(&out, str_of(dir));
        buf_puts(&out, "</title>\n");
        buf_puts(&out, STYLE);
        buf_puts(&out, "</head><body><h1>");
        html_text(&out, str_of(dir));
        buf_puts(&out, "</h1>\n");
        html_summary(&out, summary);
        html_charts(&out, lines);
        html_recipe(&out, dir);
        buf_puts(&out, "</body></html>\n");
        snprintf(path, sizeof path, "%s/report.html", dir);
        rc = file_replace(path, buf_view(&out), err);
    }
    buf_free(&out);
    json_decref(lines);
    json_decref(summary);
    return rc;
}
