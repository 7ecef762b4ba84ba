/* assay-trainer: trains models from the verifier's grades. One process: worker threads for the
 * numbers, one thread for HTTP. It runs no model-written code and forks only the verifier it
 * speaks to. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "trainer/commands.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} VERBS[] = {
    {"train", command_train, "run a recipe: supervised training, GRPO, evaluation"},
    {"eval", command_eval, "sample completions of problems and grade them: pass@1, pass@k"},
    {"generate", command_generate, "complete a prompt or the prompts of problems"},
    {"tokenize", command_tokenize, "JSON lines of text to token ids, and back"},
    {"inspect", command_inspect, "a model's configuration, size and memory needs"},
};

/* What was printed and could not be written is a failure, however well all else went. */
static int end(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "assay-trainer: standard output: %s\n", strerror(errno ? errno : EIO));
    return status ? status : EXIT_USAGE;
}

/* What could be saved is: checkpoints appear whole or not at all. */
static void no_memory(void)
{
    static const char text[] =
        "assay-trainer: out of memory (assay inspect MODEL says what it takes)\n";
    _exit(write(STDERR_FILENO, text, sizeof text - 1) > 0 ? EXIT_INFRA : EXIT_USAGE);
}

static int usage(FILE *out, int status)
{
    fprintf(out, "Usage: assay-trainer VERB ...   (each VERB takes --help)\n\n");
    for (size_t i = 0; i < COUNT_OF(VERBS); i++)
        fprintf(out, "  %-10s %s\n", VERBS[i].name, VERBS[i].what);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr, EXIT_USAGE);
    /* A file that may not grow is an error of its write, as a full disk is. */
    signal(SIGXFSZ, SIG_IGN);
    check_no_memory = no_memory;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return end(usage(stdout, 0));
    for (size_t i = 0; i < COUNT_OF(VERBS); i++)
        if (strcmp(argv[1], VERBS[i].name) == 0)
            return end(VERBS[i].run(argc - 1, argv + 1));
    fprintf(stderr, "assay-trainer: unknown verb `%s`\n\n", argv[1]);
    return usage(stderr, EXIT_USAGE);
}
