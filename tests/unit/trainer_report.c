/* The run folder, the live line and the report. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/folder.h"
#include "trainer/rl/progress.h"
#include "trainer/rl/report.h"
#include "trainer/rl/runlog.h"
#include "trainer/rl/spent.h"

static char base[64], run[96];

static int make_dir(void **state)
{
    (void)state;
    strcpy(base, "/tmp/assay-run-XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(run, sizeof run, "%s/runs/one", base);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return folder_remove(base);
}

static struct buf content(const char *name)
{
    char path[PATH_MAX];
    struct buf b = {0};
    snprintf(path, sizeof path, "%s/%s", run, name);
    assert_int_equal(file_read(path, 1 << 24, &b, NULL), 0);
    return b;
}

static bool exists(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run, name);
    return access(path, F_OK) == 0;
}

/* A finished run: 40 GRPO steps, 300 SFT steps, a level whose name would be markup. */
static void write_run(enum runlog_mode mode)
{
    struct runlog *r;
    struct err err = {0};
    if (runlog_open(run, mode, STR("seed: 1 # <b>&\n"), &r, &err) < 0)
        fail_msg("%s", err.text);
    for (int i = 1; i <= 300; i++)
        assert_int_equal(
            runlog_metrics(
                r, json_pack("{s:s, s:i, s:f}", "stage", "sft", "step", i, "loss", 2. / i), &err),
            0);
    for (int i = 1; i <= 40; i++) {
        json_t *line =
            json_pack("{s:s, s:i, s:f, s:f, s:i, s:i, s:i, s:i, s:i, s:f}", "stage", "grpo", "step",
                      i, "reward", i / 50., "pass_rate", i / 60., "grades/not-code", 10,
                      "grades/wrong-language", 5, "grades/fails-tests", 100, "grades/correct",
                      100 + i, "grades/faster", i, "completions/mean_length", 80. + i);
        assert_int_equal(runlog_metrics(r, line, &err), 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            runlog_completion(r, 1 + i / 2, json_pack("{s:s}", "completion", "x"), &err), 0);
    json_t *summary = json_pack(
        "{s:i, s:f, s:f, s:f, s:{s:{s:f, s:f}}, s:{s:i, s:i}, s:{s:i, s:i}, s:i}",
        "held_out_problems", 300, "sft_pass_at_1", .4, "grpo_pass_at_1", .6512, "sft_greedy", .5,
        "by_ops", "<3>", "sft_pass_at_1", .25, "grpo_pass_at_1", .2, "grades_before", "correct", 30,
        "fails-tests", 70, "grades_after", "correct", 60, "fails-tests", 40, "seed", 3);
    assert_int_equal(runlog_json(r, "summary.json", summary, &err), 0);
    json_decref(summary);
    runlog_close(r);
}

static void a_run_folder_is_written(void **state)
{
    (void)state;
    write_run(RUNLOG_NEW);
    struct buf metrics = content("metrics.jsonl"), one = content("completions/step_1.jsonl"),
               two = content("completions/step_2.jsonl");
    assert_true(
        str_starts(buf_view(&metrics), STR("{\"stage\":\"sft\",\"step\":1,\"loss\":2.0}\n")));
    assert_string_equal(one.s, "{\"completion\":\"x\"}\n{\"completion\":\"x\"}\n");
    assert_string_equal(two.s, "{\"completion\":\"x\"}\n");
    buf_free(&metrics);
    buf_free(&one);
    buf_free(&two);
}

static void a_former_run_is_safe(void **state)
{
    (void)state;
    struct runlog *r;
    struct err err = {0};
    char other[PATH_MAX];
    write_run(RUNLOG_NEW);
    assert_int_equal(runlog_open(run, RUNLOG_NEW, STR("seed: 2\n"), &r, &err), -EEXIST);
    assert_non_null(strstr(err.text, "--overwrite"));
    snprintf(other, sizeof other, "%s/notes.txt", run);
    assert_int_equal(file_replace(other, STR("mine"), NULL), 0);
    assert_int_equal(runlog_open(run, RUNLOG_OVERWRITE, STR("seed: 2\n"), &r, &err), 0);
    runlog_close(r);
    assert_true(exists("notes.txt")); /* what is not a run's stays */
    assert_false(exists("completions/step_1.jsonl"));
    assert_false(exists("summary.json"));
    assert_true(exists("recipe.yaml"));
    snprintf(other, sizeof other, "%s/recipe.yaml", run);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(runlog_open(run, RUNLOG_OVERWRITE, STR("seed: 2\n"), &r, &err),
                     -EEXIST); /* no recipe.yaml: not a run folder */
    assert_non_null(strstr(err.text, "no recipe.yaml"));
    assert_int_equal(runlog_open(run, RUNLOG_RESUME, STR("seed: 2\n"), &r, &err), -ENOENT);
}

static void resuming_appends(void **state)
{
    (void)state;
    struct runlog *r;
    struct err err = {0};
    write_run(RUNLOG_NEW);
    struct buf before = content("metrics.jsonl");
    assert_int_equal(runlog_open(run, RUNLOG_RESUME, STR("seed: 2\n"), &r, &err), 0);
    assert_int_equal(runlog_metrics(r, json_pack("{s:i}", "step", 41), &err), 0);
    runlog_close(r);
    struct buf after = content("metrics.jsonl");
    assert_true(str_starts(buf_view(&after), buf_view(&before)));
    assert_string_equal(after.s + before.len, "{\"step\":41}\n");
    buf_free(&before);
    buf_free(&after);
}

/* Every element that is opened is closed, in order. */
static void assert_balanced(const char *html)
{
    static const char *const single[] = {"meta", "path", "br", "!doctype"};
    char open[64][16], name[16];
    int depth = 0;
    for (const char *p = html; (p = strchr(p, '<')); p++) {
        bool closing = p[1] == '/', alone = false;
        size_t n = strcspn(p + 1 + closing, " >/");
        assert_true(n < sizeof name);
        snprintf(name, sizeof name, "%.*s", (int)n, p + 1 + closing);
        const char *end = strchr(p, '>');
        assert_non_null(end);
        for (size_t i = 0; i < COUNT_OF(single); i++)
            alone |= strcmp(name, single[i]) == 0;
        if (alone)
            continue;
        if (!closing) {
            assert_true(depth < 64);
            strcpy(open[depth++], name);
        } else {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        }
    }
    assert_int_equal(depth, 0);
}

static void the_report_is_one_sound_page(void **state)
{
    (void)state;
    struct err err = {0};
    write_run(RUNLOG_NEW);
    if (report_html(run, &err) < 0)
        fail_msg("%s", err.text);
    struct buf html = content("report.html");
    assert_balanced(html.s);
    static const char *const parts[] = {"<td>65.1%</td>",
                                        "+25.1",
                                        "-5.0",
                                        "level &lt;3&gt;",
                                        "300 held-out problems",
                                        "Reward",
                                        "Grades",
                                        "Pass rate",
                                        "Completion length",
                                        "prefers-color-scheme:dark",
                                        "seed: 1 # &lt;b&gt;&amp;",
                                        "Loss"};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (!strstr(html.s, parts[i]))
            fail_msg("`%s` is not in the report", parts[i]);
    assert_null(strstr(html.s, "<script"));
    assert_null(strstr(html.s, "http"));
    assert_null(strstr(html.s, "nan"));
    assert_null(strstr(html.s, " inf"));
    assert_null(strstr(html.s, "Minf"));
    buf_free(&html);
}

static void a_short_or_broken_run_is_reported(void **state)
{
    (void)state;
    struct runlog *r;
    struct err err = {0};
    char path[PATH_MAX];
    assert_int_equal(runlog_open(run, RUNLOG_NEW, STR("seed: 2\n"), &r, &err), 0);
    assert_int_equal(report_html(run, &err), 0); /* nothing measured yet */
    runlog_metrics(r, json_pack("{s:s, s:f}", "stage", "grpo", "reward", .5), &err);
    runlog_close(r);
    assert_int_equal(report_html(run, &err), 0); /* one step */
    struct buf html = content("report.html");
    assert_balanced(html.s);
    assert_null(strstr(html.s, "nan"));
    buf_free(&html);
    snprintf(path, sizeof path, "%s/metrics.jsonl", run);
    assert_int_equal(file_replace(path, STR("{\"stage\":\"grpo\"}\n{\"stage\":\"gr"), NULL), 0);
    assert_int_equal(report_html(run, &err), 0); /* the last line of a killed run */
    assert_int_equal(file_replace(path, STR("{\"stage\":\"grpo\"}\n{\"sta\n"), NULL), 0);
    assert_int_equal(report_html(run, &err), -EINVAL);
    assert_non_null(strstr(err.text, "metrics.jsonl:2"));
}

static void the_table_in_text(void **state)
{
    (void)state;
    json_t *summary =
        json_pack("{s:f, s:f, s:f, s:f, s:{s:{s:f}}, s:{s:i, s:i}}", "sft_pass_at_1", .4,
                  "grpo_pass_at_1", .65, "sft_greedy", .5, "grpo_greedy", .7, "by_ops", "2",
                  "sft_pass_at_1", .5, "grades_before", "correct", 1, "not-code", 3);
    json_object_set_new(summary, "stages",
                        json_pack("[{s:s, s:f, s:f}, {s:s, s:f}]", "stage", "grpo", "seconds", 12.5,
                                  "sample", 7.25, "stage", "after", "seconds", 3.));
    struct buf out = {0};
    report_text(summary, &out);
    assert_string_equal(
        out.s, "pass@1              sampled                    greedy\n"
               "                 before    after     gain   before    after     gain\n"
               "all problems      40.0%    65.0%    +25.0    50.0%    70.0%    +20.0\n"
               "level 2           50.0%        -        -        -        -        -\n"
               "\n"
               "grades           before    after\n"
               "not-code          75.0%        -\n"
               "wrong-language     0.0%        -\n"
               "fails-tests        0.0%        -\n"
               "correct           25.0%        -\n"
               "faster             0.0%        -\n"
               "\n"
               "time                    seconds   sample     wait   update     idle      cpu\n"
               "grpo                       12.5      7.2        -        -        -        -\n"
               "after                       3.0        -        -        -        -        -\n");
    json_decref(summary);
    buf_free(&out);
}

static double number(const json_t *stages, size_t at, const char *key)
{
    const json_t *v = json_object_get(json_array_get(stages, at), key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* Two stages of one kind in a row are told apart; a line without a time adds none. */
static void time_is_summed_by_stage(void **state)
{
    (void)state;
    static const char *const text[] = {
        "{'stage':'sft','stage_index':0,'step':1,'step_time':0.5,'time/idle':0.125}",
        "{'stage':'sft','stage_index':0,'step':2,'step_time':0.25,'time/idle':0.125}",
        "{'stage':'sft','stage_index':1,'step':1,'loss':2}",
        "{'stage':'eval','stage_index':2,'name':'before','sampled':{'seconds':3},'greedy':{'"
        "seconds':1}}",
        "{'note':'of no stage'}",
        "{'stage':'grpo','stage_index':3,'step':1,'step_time':4,'time/sample':2,'time/"
        "grade_wait':0.5,"
        "'time/update':1.5,'time/cpu':6}",
        "{'stage':'grpo','stage_index':3,'step':2,'step_time':4,'time/sample':2,'time/"
        "grade_wait':0.25,"
        "'time/update':1.75,'time/cpu':5}"};
    json_t *lines = json_array();
    for (size_t i = 0; i < COUNT_OF(text); i++) {
        char line[256];
        snprintf(line, sizeof line, "%s", text[i]);
        for (char *c = line; (c = strchr(c, '\'')); c++)
            *c = '"';
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        json_array_append_new(lines, object);
    }
    json_t *stages = spent_by_stage(lines);
    assert_int_equal(json_array_size(stages), 4);
    assert_float_equal(number(stages, 0, "seconds"), .75, 1e-9);
    assert_float_equal(number(stages, 0, "idle"), .25, 1e-9);
    assert_float_equal(number(stages, 0, "steps"), 2, 1e-9);
    assert_true(isnan(number(stages, 1, "seconds")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(stages, 2), "stage")),
                        "before");
    assert_float_equal(number(stages, 2, "seconds"), 4, 1e-9);
    assert_float_equal(number(stages, 3, "seconds"), 8, 1e-9);
    assert_float_equal(number(stages, 3, "sample"), 4, 1e-9);
    assert_float_equal(number(stages, 3, "grade_wait"), .75, 1e-9);
    assert_float_equal(number(stages, 3, "update"), 3.25, 1e-9);
    assert_float_equal(number(stages, 3, "cpu"), 11, 1e-9);
    json_decref(stages);
    json_decref(lines);
}

static void plain_progress_is_short(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    struct progress *p = progress_start(out);
    progress_stage(p, "grpo", 100);
    for (int i = 1; i <= 100; i++) {
        struct progress_step s = PROGRESS_STEP_NONE;
        s.step = i;
        s.reward = .25;
        s.pass = i / 100.;
        s.grades[0] = 1;
        s.grades[1] = s.grades[2] = s.grades[4] = 0;
        s.grades[3] = 3;
        progress_step(p, &s);
    }
    progress_note(p, "saved %s", "model");
    progress_end(p);
    rewind(out);
    struct buf all = {0};
    for (int c; (c = fgetc(out)) != EOF;)
        buf_char(&all, (char)c);
    assert_non_null(strstr(all.s, "saved model\n"));
    assert_non_null(strstr(all.s, "grpo 100/100  reward 0.250  pass 95.5%  grades 25/0/0/75/0"));
    assert_null(strchr(all.s, '\r'));
    int lines = 0;
    for (const char *c = all.s; *c; c++)
        lines += *c == '\n';
    assert_true(lines <= 4);
    buf_free(&all);
    fclose(out);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_folder_is_written, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_former_run_is_safe, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(resuming_appends, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_report_is_one_sound_page, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_short_or_broken_run_is_reported, make_dir, remove_dir),
        cmocka_unit_test(the_table_in_text),
        cmocka_unit_test(time_is_summed_by_stage),
        cmocka_unit_test(plain_progress_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
