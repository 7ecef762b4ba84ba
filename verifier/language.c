/* language.c: the decision, from the facts. Pure. */
#include "language.h"

/* Marks that Python's grammar could not have let through are worth more; these are the points at
 * which a text that Python cannot parse, or can but for little reason, is called something else. */
static const double other_least = 3, other_least_parsed = 4;

static const char *decide_parsed(const struct tree_facts *t, const struct mark_facts *m)
{
    size_t bare = t->literals + t->names + t->annotations + t->arrows;
    if (t->statements == 0) {
        if (bare == 0)
            return m->best >= 2 * other_least ? m->best_name
                                              : "empty"; /* comments, or `#include` */
        if (t->arrows > t->names && m->best >= other_least_parsed)
            return m->best_name;
        return t->names ? "prose" : "data";
    }
    if (t->python2 && !t->python3)
        return "python2";
    if (t->firm == 0 && (t->arrows > 0 || m->curly > 3) && m->best >= other_least_parsed &&
        m->best > 1.5 * m->python)
        return m->best_name;
    return "python";
}

static double broken_share(const struct tree_facts *t)
{
    return (double)t->python_errors / (double)t->bytes;
}

static double other_points(const struct mark_facts *m)
{
    return m->best + m->curly / 2;
}

static bool marks_say_other(const struct mark_facts *m)
{
    return other_points(m) >= other_least && other_points(m) > 1.2 * m->python;
}

/* Few marks of anything, Python included, and much that its grammar cannot read. */
static bool grammars_may_tell(const struct tree_facts *t, const struct mark_facts *m)
{
    return broken_share(t) > 0.05 && m->python < 3 && m->best + m->curly >= 1;
}

bool language_wants_grammars(const struct tree_facts *t, const struct mark_facts *m)
{
    return t->parsed && t->python_errors > 0 && grammars_may_tell(t, m) && !marks_say_other(m);
}

static const char *decide_broken(const struct tree_facts *t, const struct mark_facts *m)
{
    double prose = m->lines > m->comment_lines
                       ? (double)m->prose_lines / (double)(m->lines - m->comment_lines)
                       : 0;
    double other = other_points(m);
    bool grammar_says_other = t->other && (double)t->other_errors < 0.5 * (double)t->python_errors;
    if (m->python_defs > 0 && other <= 2 * m->python + 1 && m->data < 4 + m->python)
        return t->python2 && !t->python3 ? "python2" : "python";
    if (prose > 0.5 && m->python < 4 && other < 8)
        return "prose";
    if (m->data > 4 && m->data > m->python && m->data > other)
        return "data";
    if (m->pseudo > 3 && m->pseudo > m->python && m->pseudo >= m->best)
        return "prose";
    if (marks_say_other(m))
        return m->best > 0 ? m->best_name : "unknown";
    if (grammar_says_other && grammars_may_tell(t, m))
        return m->best >= 2 ? m->best_name : t->other;
    if (t->python2 && !t->python3)
        return "python2";
    if (t->parsed && m->python < 2 && t->firm == 0 && (t->statements == 0 || broken_share(t) > 0.3))
        return m->data > 2 ? "data" : "prose";
    return "python";
}

const char *language_decide(const struct tree_facts *t, const struct mark_facts *m)
{
    if (t->bytes == 0)
        return "empty";
    return t->python_errors == 0 ? decide_parsed(t, m) : decide_broken(t, m);
}
