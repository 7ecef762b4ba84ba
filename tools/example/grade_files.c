/* grade_files: whole programs in, grades out: the worked example of include/assay.h.
 *
 *     cc -o grade_files grade_files.c $(pkg-config --cflags --libs assay)
 *     ./grade_files http://127.0.0.1:8080 add good.py bad.py       # a verifier that runs already
 *     ./grade_files problems/starter sort_with_42 good.py          # one of our own
 *
 * Each file is graded twice: all together with assay_grade, and one by one with assay_submit. Exit
 * status: 0 every file has a grade, 1 some met a fault, 2 the verifier cannot be used. */
#include <assay.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_BYTES_MAX = 1 << 20 };

static void show(const char *how, const char *file, const struct assay_verdict *v)
{
    printf("%s %s: %s", how, file, assay_grade_name(v->grade));
    if (v->grade == ASSAY_NO_GRADE)
        printf(", %s", v->infra ? v->infra : "no reason given");
    else
        printf(", reward %.3g, %d of %d tests, %s, %.1f ms of CPU", v->reward, v->passed, v->total,
               v->reason ? v->reason : "no complaint", isnan(v->cpu_ms) ? 0 : v->cpu_ms);
    putchar('\n');
}

/* On the library's thread: what it says of one file at a time needs no lock. */
static void on_verdict(void *ctx, const struct assay_verdict *v)
{
    show("one by one:", ctx, v);
}

/* The file's bytes, to be freed; NULL when it cannot be read. */
static char *read_program(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    char *text = malloc(PROGRAM_BYTES_MAX);
    if (f && text)
        *ret_len = fread(text, 1, PROGRAM_BYTES_MAX, f);
    if (!f || !text || ferror(f)) {
        perror(path);
        free(text);
        text = NULL;
    }
    if (f)
        fclose(f);
    return text;
}

static int grade(struct assay *a, char *const *files, const struct assay_item *items, size_t n)
{
    struct assay_error why;
    struct assay_verdict *verdicts = calloc(n, sizeof *verdicts);
    int faults = 0;
    if (!verdicts)
        return -1;
    for (size_t i = 0; i < n; i++)
        assay_submit(a, &items[i], on_verdict, files[i], NULL);
    if (assay_grade(a, items, n, verdicts, &why) < 0) {
        fprintf(stderr, "grade_files: %s\n", why.text);
        faults = -1;
    } else {
        for (size_t i = 0; i < n; i++)
            faults += verdicts[i].grade == ASSAY_NO_GRADE;
    }
    assay_flush(a, -1, NULL);
    for (size_t i = 0; i < n && faults >= 0; i++)
        show("together:", files[i], &verdicts[i]);
    if (faults >= 0)
        assay_release(verdicts, n);
    free(verdicts);
    return faults;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s URL|PROBLEMS TASK_ID FILE...\n", argv[0]);
        return 2;
    }
    const char *where = argv[1];
    size_t n = (size_t)argc - 3;
    char **files = argv + 3;
    struct assay_options options = {.deadline_s = 60};
    if (strncmp(where, "unix:", 5) == 0 || strstr(where, "://")) {
        options.urls = &where;
        options.n_urls = 1;
        options.token = getenv("ASSAY_TOKEN");
    } else {
        options.problems = &where;
        options.n_problems = 1;
    }
    struct assay_error why;
    struct assay *a;
    if (assay_open(&options, &a, &why) < 0) {
        fprintf(stderr, "grade_files: %s\n", why.text);
        return 2;
    }
    struct assay_item *items = calloc(n, sizeof *items);
    int faults = items ? 0 : -1;
    for (size_t i = 0; i < n && faults == 0; i++) {
        items[i] = (struct assay_item){.task_id = argv[2], .kind = ASSAY_SOLUTION};
        items[i].text = read_program(files[i], &items[i].len);
        faults = items[i].text ? 0 : -1;
    }
    if (faults == 0)
        faults = grade(a, files, items, n);
    assay_close(a);
    for (size_t i = 0; items && i < n; i++)
        free((char *)items[i].text);
    free(items);
    return faults < 0 ? 2 : faults > 0;
}
