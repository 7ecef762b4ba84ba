/* language.c: the decision, from the facts. Pure. */
#include "language.h"

enum { FEW_TOKENS = 12 };

/* How much better than Python, in log-odds, another language must read before a text that the
 * grammar can read, or in which it sees a definition, is called that. */
static const float barely = 1, slightly = 3, clearly = 4, overwhelmingly = 6;

static const char *of_program(const struct language_guess *g, float margin, const char *otherwise)
{
    return g->program_score - g->python >= margin ? g->program : otherwise;
}

/* No error, yet there may be little in it that only Python says. */
static const char *decide_parsed(const struct tree_facts *t, const struct language_guess *g)
{
    bool other = g->program_score - g->python >= clearly && g->program_score > g->text_score;
    if (t->statements == 0) {
        if (t->literals + t->names + t->annotations + t->arrows == 0)
            return of_program(g, slightly, "empty"); /* comments, or `#include` */
        if (other && t->arrows > t->names)
            return g->program;
        return t->names ? "prose" : "data";
    }
    if (t->python2 && !t->python3)
        return "python2";
    if (t->firm == 0 && other)
        return g->program;
    return "python";
}

static double share_of(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static const char *decide_broken(const struct tree_facts *t, const struct line_facts *m,
                                 const struct language_guess *g)
{
    float text_score = g->text_score + (float)m->markup;
    float best = g->program_score > text_score ? g->program_score : text_score;
    float python_score = g->python - (m->ends ? slightly : 0);
    double prose = share_of(m->prose, m->lines - m->comments);
    const char *python = t->python2 && !t->python3 ? "python2" : "python";
    if (m->prompts > 0 && m->prompts * 3 >= m->lines)
        return "python";
    if (t->parsed && t->firm == 0 && m->words > 0 && m->words == m->lines)
        return "prose";
    bool firm = t->firm > 0 && share_of(t->python_errors, t->bytes) < 0.3;
    bool hints = t->statements > 0 || m->blocks > 0 || g->python > 0.5f ||
                 (g->tokens < FEW_TOKENS && prose <= 0.5);
    float needed = m->defs      ? overwhelmingly
                   : !t->parsed ? clearly
                   : firm       ? slightly
                   : hints      ? barely
                                : 0;
    if (best - python_score < needed)
        return m->pseudo > 5 && !m->blocks && !m->defs ? "prose" : python;
    if (prose > 0.5 && python_score < clearly && g->program_score - text_score < 1.5f)
        return "prose";
    if (m->pseudo > 3 && (float)m->pseudo > g->program_score)
        return "prose";
    if (text_score > g->program_score)
        return text_score == g->text_score && strcmp(g->text, "english") == 0 ? "prose" : "data";
    return g->program;
}

bool language_is_doubtful(const struct tree_facts *t)
{
    return t->bytes > 0 && (t->python_errors > 0 || !t->firm);
}

const char *language_decide(const struct tree_facts *t, const struct line_facts *m,
                            const struct language_guess *g)
{
    if (t->bytes == 0)
        return "empty";
    return t->python_errors == 0 ? decide_parsed(t, g) : decide_broken(t, m, g);
}
