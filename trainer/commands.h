/* commands.h: the verbs of assay-trainer. Each takes the command line from its own name on and
 * returns an exit status. */
#ifndef ASSAY_TRAINER_COMMANDS_H
#define ASSAY_TRAINER_COMMANDS_H

#include <argp.h>
#include <stdbool.h>

#include "trainer/rl/recipe.h"

enum { EXIT_INFRA = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

int command_train(int argc, char **argv);
int command_eval(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_tokenize(int argc, char **argv);
int command_inspect(int argc, char **argv);

/* The options that say how to sample, for verbs that do: an argp child whose input is a struct
 * sampling_options. */
struct sampling_options {
    const char *model, *adapter, *template, *chat, *system, *compute;
    int samples, limit;
    long seed;
    struct recipe_sampling sampling;
};
#define SAMPLING_DEFAULT                                                                           \
    ((struct sampling_options){                                                                    \
        .template = "{prompt}\n",                                                                  \
        .compute = "f32",                                                                          \
        .chat = "none",                                                                            \
        .samples = 1,                                                                              \
        .sampling = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .max_new = 512}})
extern const struct argp SAMPLING_ARGP;
/* An option's whole number within bounds; ends the program with a message otherwise. */
int command_number(const char *arg, int min, int max, struct argp_state *state, const char *what);

/* The first SIGINT or SIGTERM asks for an orderly end (command_stop returns true from then on),
 * the second ends the process. */
void command_catch_signals(void);
bool command_stop(void *ctx);
/* What a failed run means for the caller: interrupted, or `otherwise`. */
int command_status(int rc, int otherwise);

#endif
