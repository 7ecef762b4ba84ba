/* tidy.h: empties a folder that hostile code filled. */
#ifndef ASSAY_SANDBOX_TIDY_H
#define ASSAY_SANDBOX_TIDY_H

/* Removes all that lies below the folder `path`. 0 or a negative errno. */
int sbx__tidy(const char *path);

#endif
