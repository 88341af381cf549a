/* Runs the network `Streaming` of networks.py in C alone, all steps at once and one after the other,
 * with memory that is as large as it must be and no larger. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "streaming.h"

enum { T = 7, B = 2, I = 3, M = 4, H = 5 };

typedef streaming_real real;

static real *numbers(size_t count) { return malloc(count * sizeof(real)); }

static real uniform(void *source) {
  unsigned *state = source;
  *state = *state * 1664525u + 1013904223u;
  return (real)(*state >> 8) / (real)(1u << 24);
}

int main(void) {
  const streaming_run run = {
      .sizes = {.input_size = I, .middle = M, .hidden_size = H}, .steps = T, .sequences = B};
  unsigned seed = 1;
  real *params = numbers(streaming_parameters(&run.sizes).count);
  streaming_init(&run.sizes, params, uniform, &seed);
  real *xs = numbers(T * B * I), *ys = numbers(T * B), *each = numbers(T * B);
  for (size_t k = 0; k < T * B * I; k++) {
    xs[k] = 2 * uniform(&seed) - 1;
  }
  const streaming_state_out last = {numbers(B * M), numbers(B * M), numbers(B * H)};
  real *tape = numbers(streaming_tape_size(&run)), *work = numbers(streaming_forward_work(&run));
  streaming_forward(&run, params, xs, NULL, NULL, ys, &last, tape, work);

  real worst = 0;
  for (int is_prepared = 0; is_prepared < 2; is_prepared++) {
    const streaming_state_out state = {numbers(B * M), numbers(B * M), numbers(B * H)};
    streaming_start(&run, &state);
    real *prepared = NULL;
    if (is_prepared) {
      prepared = numbers(streaming_prepared_size(&run.sizes));
      streaming_prepare(&run.sizes, params, prepared);
    }
    streaming_run some = run;
    real *step_work = numbers(streaming_step_work(&some));
    for (size_t t = 0; t < T; t += some.steps) { /* one step, then two, then three, then one */
      some.steps = t == 0 || t == 6 ? 1 : t == 1 ? 2 : 3;
      streaming_step(&some, params, prepared, xs + t * B * I, &state, each + t * B, step_work);
    }
    for (size_t k = 0; k < T * B; k++) {
      worst = fmax(worst, fabs(each[k] - ys[k]));
    }
    for (size_t k = 0; k < B * H; k++) {
      worst = fmax(worst, fabs(state.second_h[k] - last.second_h[k]));
    }
  }
  printf("steps %s\n", worst < 1e-12 ? "agree" : "differ");
  return 0;
}
