/* lint_notebook.c: what a notebook or an interactive session leaves in a program.
 *
 * CPython refuses `%matplotlib inline`, `!pip install x`, `?help`, `In [3]:` and `>>> f(3)`, and
 * has the last word. A diagnostic tells people why; and the grammar sees a comment instead, so
 * that one such line does not hide what else there is to say. */
#include <ctype.h>

#include "linter.h"

static struct str left_trimmed(struct str s)
{
    while (s.len && (s.s[0] == ' ' || s.s[0] == '\t'))
        s = str_from(s, 1);
    return s;
}

/* The word that a line goes on with. */
static struct str word_of(struct str s)
{
    size_t n = 0;
    while (n < s.len && (isalnum((unsigned char)s.s[n]) || s.s[n] == '_' || s.s[n] == '-'))
        n++;
    return str_make(s.s, n);
}

static bool is_one_of(struct str word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(word, str_of(words[i])))
            return true;
    return false;
}

/* Only well-known words: `%` goes on with an expression too, and `!` begins none. */
static bool is_magic(struct str line)
{
    static const char *const magics[] = {"autoreload", "bash",  "capture",    "cd",       "conda",
                                         "config",     "debug", "env",        "html",     "load",
                                         "load_ext",   "ls",    "matplotlib", "pip",      "prun",
                                         "pwd",        "pylab", "reload_ext", "run",      "sh",
                                         "sql",        "time",  "timeit",     "writefile"};
    static const char *const shell[] = {"apt",    "apt-get", "cat", "cd",    "conda", "cp",  "curl",
                                        "echo",   "git",     "ls",  "mkdir", "mv",    "pip", "pip3",
                                        "python", "python3", "rm",  "unzip", "wget"};
    if (line.len < 2)
        return false;
    if (line.s[0] == '!')
        return is_one_of(word_of(left_trimmed(str_from(line, 1))), shell, COUNT_OF(shell));
    if (line.s[0] == '?')
        return isalpha((unsigned char)line.s[1]) || line.s[1] == '?';
    if (line.s[0] != '%')
        return false;
    struct str name = str_from(line, line.s[1] == '%' ? 2 : 1), word = word_of(name);
    bool ends = word.len == name.len || name.s[word.len] == ' ';
    return ends && is_one_of(word, magics, COUNT_OF(magics));
}

static bool is_prompt(struct str line)
{
    size_t i = 4;
    if (str_starts(line, STR(">>> ")))
        return true;
    if (!str_starts(line, STR("In [")))
        return false;
    while (i < line.len && isdigit((unsigned char)line.s[i]))
        i++;
    return str_starts(str_from(line, i), STR("]:"));
}

/* Whether the line leaves a triple-quoted string open. */
static void follow_quotes(struct str line, char *quote)
{
    for (size_t i = 0; i + 2 < line.len; i++) {
        char c = line.s[i];
        if ((c == '"' || c == '\'') && line.s[i + 1] == c && line.s[i + 2] == c &&
            (!*quote || *quote == c)) {
            *quote = *quote ? 0 : c;
            i += 2;
        }
    }
}

bool linter_notebook(struct str *text, struct buf *masked, json_t *diagnostics)
{
    char quote = 0;
    bool magic = false, prompt = false;
    struct str source = *text;
    for (size_t at = 0; at < source.len;) {
        const char *end = memchr(source.s + at, '\n', source.len - at);
        struct str line = {source.s + at, end ? (size_t)(end - source.s) - at : source.len - at};
        struct str rest = left_trimmed(line);
        size_t place = (size_t)(rest.s - source.s);
        if (!quote && rest.len && is_magic(rest)) {
            if (!magic)
                buf_str(masked, source);
            magic = true;
            masked->s[place] = '#';
            linter_diagnose(diagnostics, source, (uint32_t)place, "error", "notebook-magic",
                            "a notebook understands this line, Python does not");
        } else if (!quote && !prompt && is_prompt(rest)) {
            prompt = true;
            linter_diagnose(diagnostics, source, (uint32_t)place, "error", "prompt",
                            "an interactive session's prompt is no part of a program");
        }
        follow_quotes(line, &quote);
        at += line.len + 1;
    }
    if (magic)
        *text = buf_view(masked);
    return magic || prompt;
}
