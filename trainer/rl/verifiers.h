/* verifiers.h: the verifiers that a recipe names, while the run goes on: a person hears when one goes
 * and when it returns, and metrics count whose fault it was that completions have no grade. */
#ifndef ASSAY_RL_VERIFIERS_H
#define ASSAY_RL_VERIFIERS_H

#include <jansson.h>

struct rl_run;

/* Says what has changed since it was last asked: a line when a verifier is gone, one when it is back.
 * Nothing for a verifier of the run's own. */
void verifiers_look(struct rl_run *run);

/* Sets "verifiers/URL/infra" for each: completions that it left without a grade since it was last
 * asked, those of all ranks. Collective. */
void verifiers_metrics(struct rl_run *run, json_t *line);

void verifiers_free(struct rl_run *run);

#endif
