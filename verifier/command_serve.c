/* command_serve.c: `assay serve`. Problems are loaded before the socket opens: who can connect can
 * grade. */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "command.h"
#include "config.h"
#include "server.h"
#include "socket_folder.h"

enum { TOKEN_BYTES_MAX = 4096, QUEUE_MAX = 8192, HELD_MAX_MIB = 256 };

struct options {
    char *problems[SPECS_MAX];
    int n_problems;
    const char *listen, *token_file, *reward;
    bool die_with_parent;
    struct server_options server;
};

static const struct argp_option option_table[] = {
    {"problems", 'p', "PROBLEMS", 0, "A problem file or folder; may be given again", 0},
    {"listen", 'l', "ADDRESS", 0, "unix:PATH or HOST:PORT (default 127.0.0.1:8080)", 0},
    {"token-file", 'T', "FILE", 0, "Ask for the bearer token that this file holds", 0},
    {"jobs", 'j', "N", 0,
     "Grade N programs at a time, those that sleep not counted (default: the cores there are)", 0},
    {"queue", 'q', "N", 0, "Answer 429 when N completions wait (default 8192)", 0},
    {"memory", 'm', "MIB", 0, "Answer 429 when requests hold more than this (default 256)", 0},
    {"reward", 'r', "FILE", 0, "Rewards for the five grades, a YAML file", 0},
    {"log", 'L', "LEVEL", 0,
     "What to log: faults (default: ours, and what happens to the server), requests, or verdicts "
     "too",
     0},
    {"no-timing", 't', NULL, 0, "Do not measure speed: nothing is graded faster", 0},
    {"cache-timing", 'C', NULL, 0,
     "Give a program that comes again the speed measured before (default: measure again)", 0},
    {"die-with-parent", 'D', NULL, 0, "Stop when the process that started this one ends", 0},
    {0},
};

static const char doc[] =
    "Grade over HTTP.\v"
    "Examples:\n"
    "  assay serve -p problems/starter &\n"
    "  curl -s localhost:8080/v1/grade -d @request.json\n"
    "  assay serve -p HumanEval.jsonl.gz --listen unix:/run/user/1000/assay.sock\n"
    "  assay serve -p problems --listen 0.0.0.0:8080 --token-file token\n\n"
    "A request is one sample, as `assay grade` reads them, or a list: {\"items\": [...]}. POST "
    "/v1/grade, POST /v1/lint, GET /v1/problems, GET "
    "/healthz, GET /metrics, and what clients of SandboxFusion ask: POST /run_code, POST /submit "
    "and the lists of problems. SIGTERM finishes what is begun and exits 0. SIGHUP reads the "
    "problems anew: if they are bad, the old ones stay.\n\n"
    "Exit status: 0 it was told to stop, 1 a fault of ours, 2 bad usage, a bad problem file or an "
    "address that is taken.";

static enum server_log log_level(struct argp_state *state, const char *arg)
{
    static const char *const levels[] = {
        [SERVER_LOG_FAULTS] = "faults",
        [SERVER_LOG_REQUESTS] = "requests",
        [SERVER_LOG_VERDICTS] = "verdicts",
    };
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (strcmp(arg, levels[i]) == 0)
            return (enum server_log)i;
    argp_error(state, "--log %s: faults, requests or verdicts is wanted", arg);
    return SERVER_LOG_FAULTS;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char *end;
    switch (key) {
    case 'p':
        command_spec(state, arg, o->problems, &o->n_problems);
        return 0;
    case 'l':
        o->listen = arg;
        return 0;
    case 'T':
        o->token_file = arg;
        return 0;
    case 'j':
        o->server.slots = command_slots(state, arg);
        return 0;
    case 'q':
        o->server.queue_max = strtol(arg, &end, 10);
        if (*end || end == arg || o->server.queue_max < 1)
            argp_error(state, "--queue %s: a number from 1 is wanted", arg);
        return 0;
    case 'm':
        o->server.held_max_mib = strtol(arg, &end, 10);
        if (*end || end == arg || o->server.held_max_mib < 1 || o->server.held_max_mib > 1 << 20)
            argp_error(state, "--memory %s: a number from 1 is wanted", arg);
        return 0;
    case 'r':
        o->reward = arg;
        return 0;
    case 'L':
        o->server.log = log_level(state, arg);
        return 0;
    case 't':
        o->server.timing = false;
        return 0;
    case 'C':
        o->server.cache_timed = true;
        return 0;
    case 'D':
        o->die_with_parent = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument: %s", arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->n_problems)
            argp_error(state, "-p PROBLEMS is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The file's one line. */
static int read_token(const char *path, struct buf *ret, struct err *err)
{
    TRY(file_read(path, TOKEN_BYTES_MAX, ret, err));
    while (ret->len && isspace((unsigned char)ret->s[ret->len - 1]))
        ret->s[--ret->len] = 0;
    if (ret->len < 8)
        return err_set(err, -EINVAL, "%s: a token of at least 8 characters is wanted", path);
    for (size_t i = 0; i < ret->len; i++)
        if (!isgraph((unsigned char)ret->s[i]))
            return err_set(err, -EINVAL,
                           "%s: a token is one line of printable ASCII without blanks", path);
    return 0;
}

static int prepare(struct options *o, struct catalog **ret_catalog, struct reward *reward,
                   struct buf *token, struct listener *listener, struct err *err)
{
    *reward = REWARD_DEFAULT;
    if (o->reward)
        TRY(reward_load(o->reward, reward, err));
    if (o->token_file) {
        TRY(read_token(o->token_file, token, err));
        o->server.token = token->s;
    }
    o->server.specs = o->problems;
    o->server.n_specs = o->n_problems;
    struct catalog *catalog = NULL;
    TRY(catalog_load(o->problems, o->n_problems, &catalog, err));
    int rc = o->die_with_parent ? socket_folder_make(o->listen, err) : 0;
    if (rc == 0)
        rc = listen_open(o->listen, listener, err);
    if (rc < 0)
        catalog_drop(catalog);
    else
        *ret_catalog = catalog;
    return rc;
}

int command_serve(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse, NULL, doc, config_option, NULL, NULL};
    static struct server server;
    struct options o = {.listen = "127.0.0.1:8080",
                        .server = {.slots = pool_cores(),
                                   .queue_max = QUEUE_MAX,
                                   .held_max_mib = HELD_MAX_MIB,
                                   .timing = true}};
    struct catalog *catalog = NULL;
    struct reward reward;
    struct buf token = {0};
    struct listener listener = {0};
    struct err err = {0};
    pid_t parent = getppid();
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (o.die_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        return EXIT_BAD_INPUT;
    if (prepare(&o, &catalog, &reward, &token, &listener, &err) < 0) {
        socket_folder_remove();
        return command_error(&err);
    }
    if (!listener.loopback && !o.server.token)
        LOG_WARN("listen=%s anyone who reaches it may use it: see --token-file", listener.name);
    int rc = server_run(&server, &o.server, catalog, &reward, &listener);
    buf_free(&token);
    return rc < 0 ? EXIT_FAULT : 0;
}
