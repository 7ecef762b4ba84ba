/* assay: the front command. It only finds the program that does the work and becomes it.
 *
 * From a build folder its siblings lie beside it; installed, they are in ../libexec/assay. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "version.h"

enum { EXIT_USAGE = 2 };

static const struct {
    const char *name, *program, *what, *example;
} commands[] = {
    {"grade", "assay-verifier", "grade a model's completions by the tests of their problems",
     "assay grade -p problems/starter -s samples.jsonl -o verdicts.jsonl"},
    {"check", "assay-verifier", "check a problem set: references pass, wrong solutions fail",
     "assay check problems/starter"},
    {"run", "assay-verifier", "run one program in the jail", "assay run hello.py"},
    {"lint", "assay-verifier", "name the language of a text and what is wrong with it",
     "assay lint reply.txt"},
    {"serve", "assay-verifier", "grade over HTTP",
     "assay serve -p problems/starter --listen 127.0.0.1:8080"},
    {"doctor", "assay-verifier", "what this host's isolation and clocks offer", "assay doctor"},
    {"train", "assay-trainer", "train a model from grades",
     "assay train trainer/recipes/demo.yaml --out runs/demo"},
    {"eval", "assay-trainer", "sample from a model and report pass@k",
     "assay eval -m MODEL -p problems/starter -n 8 --k 1,8"},
    {"generate", "assay-trainer", "sample text from a model",
     "assay generate -m MODEL --prompt 'def add(a, b):'"},
    {"tokenize", "assay-trainer", "text to token ids and back",
     "assay tokenize -m MODEL texts.jsonl"},
    {"inspect", "assay-trainer", "a model's configuration, size and memory needs",
     "assay inspect MODEL"},
};

static int list(FILE *out)
{
    fputs("assay grades the Python that language models write, and trains models from those "
          "grades.\n\n"
          "usage: assay COMMAND [OPTION...]\n\n",
          out);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        fprintf(out, "  %-9s %s\n            %s\n", commands[i].name, commands[i].what,
                commands[i].example);
    fputs("\nEach command has a --help with more examples. Exit status: 0 all is well, 1 something "
          "met a fault,\n"
          "2 bad usage or bad input.\n",
          out);
    return out == stdout ? 0 : EXIT_USAGE;
}

/* The path of a sibling, wherever it is. False when it is in neither place. */
static bool find(const char *program, char ret_path[PATH_MAX])
{
    static const char *const places[] = {"", "../libexec/assay/"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return false;
    self[n] = 0;
    strrchr(self, '/')[1] = 0;
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if ((size_t)snprintf(ret_path, PATH_MAX, "%s%s%s", self, places[i], program) < PATH_MAX &&
            access(ret_path, X_OK) == 0)
            return true;
    return false;
}

/* Under mpirun or srun: the trainer of several processes, where it was built. */
static bool find_mpi(const char *program, char ret_path[PATH_MAX])
{
    static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
    bool launched = false;
    for (size_t i = 0; i < COUNT_OF(launchers); i++)
        launched |= getenv(launchers[i]) != NULL;
    return launched && strcmp(program, "assay-trainer") == 0 && find("assay-trainer-mpi", ret_path);
}

static bool is_help(const char *word)
{
    static const char *const words[] = {"help", "--help", "-h", "-?"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    if (argc < 2)
        return list(stderr);
    if (is_help(argv[1]) && argc == 2)
        return list(stdout);
    if (is_help(argv[1])) { /* assay help COMMAND */
        static char option[] = "--help";
        argv[1] = argv[2];
        argv[2] = option;
        argv[3] = NULL;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("assay " ASSAY_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            if (!find_mpi(commands[i].program, path) && !find(commands[i].program, path)) {
                fprintf(stderr,
                        "assay: %s is neither beside this program nor in ../libexec/assay\n",
                        commands[i].program);
                return EXIT_USAGE;
            }
            argv[0] = path;
            /* argp's paragraph on what long and short options have in common says nothing. */
            setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
            execv(path, argv);
            fprintf(stderr, "assay: %s: %s\n", path, strerror(errno));
            return EXIT_USAGE;
        }
    fprintf(stderr, "assay: there is no command \"%s\"; assay --help lists them\n", argv[1]);
    return EXIT_USAGE;
}
