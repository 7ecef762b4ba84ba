/* layout.h: how the template's memory lies, so that a fork of it is cheap. */
#ifndef ASSAY_SANDBOX_LAYOUT_H
#define ASSAY_SANDBOX_LAYOUT_H

/* Before the interpreter starts. */
void sbx__layout_begin(void);

/* Once everything is imported, before the first fork and the filter. Nothing depends on it but
 * time: what the host does not offer is left as it was. */
void sbx__layout_end(void);

/* In a child that will run a program. */
void sbx__layout_child(void);

#endif
