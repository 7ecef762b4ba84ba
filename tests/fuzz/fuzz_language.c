/* Any bytes as a program, looked at by lines and by tokens, without a grammar: counts stay within the text, tokens are short,
 * and a language is named whatever the grammar might have said. */
#include <math.h>

#include "base/check.h"
#include "verifier/language.h"
#include "verifier/language_tokens.h"

static void see(void *arg, struct str token)
{
    size_t *tokens = arg;
    CHECK(token.len > 0 && token.len <= LANGUAGE_TOKEN_BYTES_MAX);
    ++*tokens;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line_facts lines;
    struct language_guess guess;
    struct str text = str_make((const char *)data, size);
    size_t ends = 1, tokens = 0;
    for (size_t i = 0; i < size; i++)
        ends += data[i] == '\n';
    language_lines(text, &lines);
    CHECK(lines.lines <= ends && lines.prose <= lines.lines && lines.comments <= lines.lines);
    CHECK(lines.defs <= lines.lines && lines.blocks <= lines.lines && lines.ends <= lines.lines);
    CHECK(lines.prompts <= lines.lines && isfinite(lines.pseudo) && isfinite(lines.markup));

    language_tokens(text, see, &tokens);
    language_guess(text, &guess);
    CHECK(guess.program && guess.text && guess.tokens <= tokens);
    CHECK(isfinite(guess.python) && isfinite(guess.program_score) && isfinite(guess.text_score));

    struct tree_facts tree = {.parsed = size % 2, .bytes = size};
    (void)language_is_doubtful(&tree);
    CHECK(language_decide(&tree, &lines, &guess));
    tree.statements = tree.firm = size / 8;
    CHECK(language_decide(&tree, &lines, &guess));
    return 0;
}
