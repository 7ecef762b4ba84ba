/* judge_numpy.h: numpy's own comparisons, as test code may use them on a program's answers. */
#ifndef ASSAY_JUDGE_NUMPY_H
#define ASSAY_JUDGE_NUMPY_H

/* Once, in the judge, if the configuration preloads numpy. 0, or -1 with a Python error set. */
int judge_numpy_init(void);

#endif
