#include "trainer/commands.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#include "base/check.h"
#include "trainer/model/product.h"
#include "trainer/text/chat.h"

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

void command_catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

bool command_stop(void *ctx)
{
    (void)ctx;
    return stop_asked;
}

int command_status(int rc, int otherwise)
{
    return rc == 0 ? 0 : rc == -EINTR ? EXIT_INTERRUPTED : otherwise;
}

enum {
    KEY_TEMPERATURE = 1000,
    KEY_TOP_P,
    KEY_TOP_K,
    KEY_MIN_P,
    KEY_PENALTY,
    KEY_STOP,
    KEY_MAX_NEW,
    KEY_LIMIT,
    KEY_SEED,
    KEY_GREEDY,
    KEY_TEMPLATE,
    KEY_CHAT,
    KEY_SYSTEM,
    KEY_ADAPTER,
    KEY_COMPUTE
};

static const struct argp_option OPTION_TABLE[] = {
    {"model", 'm', "FOLDER", 0, "A Hugging Face folder, or what a run left in RUN/model", 0},
    {"adapter", KEY_ADAPTER, "FOLDER", 0, "A LoRA adapter of that model, as PEFT writes it", 0},
    {"compute", KEY_COMPUTE, "f32|bf16", 0,
     "What products are computed in; bf16 halves the weights that sampling reads (f32)", 0},
    {"samples", 'n', "N", 0, "Completions of each prompt (1)", 0},
    {"temperature", KEY_TEMPERATURE, "T", 0, "Sampling temperature (1)", 0},
    {"top-p", KEY_TOP_P, "P", 0,
     "Sample from the smallest set of tokens with this much probability (1: off)", 0},
    {"top-k", KEY_TOP_K, "K", 0, "Sample from the K likeliest tokens (0: off)", 0},
    {"min-p", KEY_MIN_P, "P", 0,
     "Leave out tokens with less than this share of the likeliest one's probability (0: off)", 0},
    {"repetition-penalty", KEY_PENALTY, "X", 0,
     "Divide the logits of tokens that the text already holds by this (1: off)", 0},
    {"stop", KEY_STOP, "TEXT", 0,
     "End a completion with the first TEXT in it; may be given several times", 0},
    {"greedy", KEY_GREEDY, NULL, 0, "The likeliest token each time, the same as --temperature 0",
     0},
    {"max-new", KEY_MAX_NEW, "N", 0, "Tokens of a completion at most (512)", 0},
    {"limit", KEY_LIMIT, "N", 0, "Only the first N problems", 0},
    {"seed", KEY_SEED, "N", 0, "Of the samples (0)", 0},
    {"chat", KEY_CHAT, "NAME", 0,
     "Put the prompt into a conversation as chatml, qwen2.5, llama3 or deepseek-r1 write it", 0},
    {"system", KEY_SYSTEM, "TEXT", 0, "The system message of that conversation", 0},
    {"template", KEY_TEMPLATE, "TEXT", 0,
     "What the model sees; {prompt} stands for the prompt (\"{prompt}\\n\")", 0},
    {0},
};

int command_number(const char *arg, int min, int max, struct argp_state *state, const char *what)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno || *end || end == arg || n < min || n > max)
        argp_error(state, "%s must be a whole number in %d .. %d, not `%s`", what, min, max, arg);
    return (int)n;
}

static double real_number(const char *arg, double max, struct argp_state *state, const char *what)
{
    char *end;
    double x = strtod(arg, &end);
    if (*end || end == arg || !(x >= 0 && x <= max))
        argp_error(state, "%s must be a number in 0 .. %g, not `%s`", what, max, arg);
    return x;
}

/* `names` end with NULL. */
static const char *one_of(const char *const *names, const char *arg, struct argp_state *state,
                          const char *what)
{
    char list[128] = "";
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], arg) == 0)
            return arg;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", names[i]);
    }
    argp_error(state, "%s must be one of %s, not `%s`", what, list, arg);
    return arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct sampling_options *o = state->input;
    switch (key) {
    case 'm':
        o->model = arg;
        return 0;
    case 'n':
        o->samples = command_number(arg, 1, 100000, state, "-n");
        return 0;
    case KEY_TEMPERATURE:
        o->sampling.temperature = real_number(arg, 100, state, "--temperature");
        return 0;
    case KEY_TOP_P:
        o->sampling.top_p = real_number(arg, 1, state, "--top-p");
        return 0;
    case KEY_MIN_P:
        o->sampling.min_p = real_number(arg, 1, state, "--min-p");
        return 0;
    case KEY_PENALTY:
        o->sampling.repetition_penalty = real_number(arg, 1000, state, "--repetition-penalty");
        return 0;
    case KEY_STOP:
        if (!*arg)
            argp_error(state, "--stop needs a text");
        o->sampling.stop.v = xrealloc(o->sampling.stop.v, (size_t)o->sampling.stop.n + 1,
                                      sizeof *o->sampling.stop.v);
        o->sampling.stop.v[o->sampling.stop.n++] = arg;
        return 0;
    case KEY_TOP_K:
        o->sampling.top_k = command_number(arg, 0, INT_MAX, state, "--top-k");
        return 0;
    case KEY_GREEDY:
        o->sampling.temperature = 0;
        return 0;
    case KEY_MAX_NEW:
        o->sampling.max_new = command_number(arg, 1, 1000000, state, "--max-new");
        return 0;
    case KEY_LIMIT:
        o->limit = command_number(arg, 1, INT_MAX, state, "--limit");
        return 0;
    case KEY_SEED:
        o->seed = command_number(arg, 0, INT_MAX, state, "--seed");
        return 0;
    case KEY_TEMPLATE:
        o->template = arg;
        return 0;
    case KEY_CHAT:
        o->chat = one_of(chat_names, arg, state, "--chat");
        return 0;
    case KEY_ADAPTER:
        o->adapter = arg;
        return 0;
    case KEY_COMPUTE:
        o->compute = one_of(model_compute_names, arg, state, "--compute");
        return 0;
    case KEY_SYSTEM:
        o->system = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->model)
            argp_error(state, "-m MODEL is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp SAMPLING_ARGP = {.options = OPTION_TABLE, .parser = parse};
