/* embed.h: texts in other languages lie in files of their own beside the C that uses them, and are
 * part of the program. */
#ifndef ASSAY_EMBED_H
#define ASSAY_EMBED_H

// NOLINTBEGIN(bugprone-macro-parentheses): a name and a row of strings take none
/* `extern const char name[]` with the file's text, NUL at its end. `path` from the top of the
 * tree. */
#define EMBED_TEXT(name, path)                                                                     \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "\n.hidden " #name "\n" #name ":\n"                                   \
            ".incbin \"" path "\"\n.byte 0\n"                                                      \
            ".popsection")

/* The same of several files, one after the other: `files` is a row of EMBED_FILE. */
#define EMBED_FILE(path) ".incbin \"" path "\"\n.ascii \"\\n\\n\"\n"
#define EMBED_TEXTS(name, files)                                                                   \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "\n.hidden " #name "\n" #name ":\n" files ".byte 0\n"                 \
            ".popsection")
// NOLINTEND(bugprone-macro-parentheses)

#endif
