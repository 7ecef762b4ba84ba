/* lint.h: the JSON between the verifier's loop and assay-lint, and what is decided from it.
 *
 * JOB    {"text": "...",
 *         "entry_point": "f" | "Solution.f" | null,
 *         "starter": "..." | absent     what stands before the text; what it binds counts as defined
 *         "calls": [2, ...] | absent    with how many arguments the tests call the entry point
 *         "model": "..." | absent}      a program whose entry point takes what this one should; asked where `calls` is absent or empty
 * RESULT {"language": "python" | "python2" | "javascript" | "c++" | ... | "prose" | "data" | "empty",
 *         "parses": true when the Python grammar meets no error, "defines": ["f", "Solution", ...] (top-level names bound by def/class/=),
 *         "diagnostics": [{"line", "column", "code", "severity", "message", "source"}, ...]}
 * Line and column count from 1, columns in characters, a tab being one. `severity` is "error" where the program cannot work as it
 * stands, else "warning"; `source` is the line itself, absent when it is longer than 200 bytes or holds a NUL. In the order of the text, at most
 * LINT_DIAGNOSTICS_MAX. They never change a grade.
 * "prose", "data" and "empty" are graded not-code; any language but python is wrong-language (python2 included). */
#ifndef ASSAY_LINT_H
#define ASSAY_LINT_H

enum {
    LINT_DIAGNOSTICS_MAX = 20,
    LINT_TEXT_BYTES_MAX = 1 << 20,
    LINT_CALLS_MAX = 8,
    LINT_CASES_LOOKED_AT = 100, /* for `calls` */
};

#endif
