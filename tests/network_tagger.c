/* Trains the network `Tagger` of networks.py in C alone, with memory that is as large as it must be and
 * no larger. Says whether the gradient is the difference quotient's, and whether the loss falls. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tagger.h"

enum { T = 6, B = 3, I = 2, H = 4, CLASSES = 5 };

typedef tagger_real real;

static real *numbers(size_t count) { return malloc(count * sizeof(real)); }

static real uniform(void *source) {
  unsigned *state = source;
  *state = *state * 1664525u + 1013904223u;
  return (real)(*state >> 8) / (real)(1u << 24);
}

int main(void) {
  const size_t lengths[B] = {T, 2, 0};
  const tagger_run run = {
      .sizes = {.input_size = I, .hidden_size = H}, .steps = T, .sequences = B, .lengths = lengths};
  const size_t count = tagger_parameters(&run.sizes).count;
  unsigned seed = 1;
  real *params = numbers(count), *dparams = numbers(count), *ignored = numbers(count);
  tagger_init(&run.sizes, params, uniform, &seed);

  real *xs = numbers(T * B * I), *dxs = numbers(T * B * I);
  size_t classes[T * B];
  for (size_t row = 0; row < T * B; row++) {
    classes[row] = row % CLASSES;
    for (size_t k = 0; k < I; k++) {
      xs[row * I + k] = 2 * uniform(&seed) - 1;
    }
  }
  real *targets = numbers(T * B * CLASSES);
  tagger_classes(&run, classes, targets);
  const tagger_masks_out drawn = {numbers(T * B * 12), numbers(T * B * H), numbers(T * B * H)};
  tagger_draw(&run, &drawn, uniform, &seed);
  const tagger_masks masks = {drawn.drop, drawn.sentence_h, drawn.sentence_c};

  real *ys = numbers(T * B * CLASSES), *dys = numbers(T * B * CLASSES);
  const tagger_state_out last = {numbers(B * 6), numbers(B * 6), numbers(B * H), numbers(B * H)};
  const tagger_state_out first = {numbers(B * 6), numbers(B * 6), numbers(B * H), numbers(B * H)};
  real *tape = numbers(tagger_tape_size(&run));
  real *there = numbers(tagger_forward_work(&run)), *back = numbers(tagger_backward_work(&run));
  real *compare = numbers(tagger_loss_work(&run));

  tagger_forward(&run, params, xs, NULL, &masks, ys, &last, tape, there);
  const real begun = tagger_loss(&run, ys, targets, NULL, dys, compare);
  tagger_backward(&run, params, xs, tape, dys, NULL, dparams, dxs, &first, back);
  real worst = 0;
  for (size_t k = 0; k < count; k += 7) {
    const real step = (real)1e-6, own = params[k];
    real sides[2];
    for (int side = 0; side < 2; side++) {
      params[k] = own + (side ? -step : step);
      tagger_forward(&run, params, xs, NULL, &masks, ys, &last, tape, there);
      sides[side] = tagger_loss(&run, ys, targets, NULL, dys, compare);
    }
    params[k] = own;
    const real off = fabs((sides[0] - sides[1]) / (2 * step) - dparams[k]);
    worst = off > worst ? off : worst;
  }
  for (int round = 0; round < 1000; round++) {
    tagger_draw(&run, &drawn, uniform, &seed);
    tagger_forward(&run, params, xs, NULL, &masks, ys, &last, tape, there);
    tagger_loss(&run, ys, targets, NULL, dys, compare);
    tagger_backward(&run, params, xs, tape, dys, NULL, ignored, dxs, &first, back);
    for (size_t k = 0; k < count; k++) {
      params[k] -= (real)0.3 * ignored[k];
    }
  }
  tagger_forward(&run, params, xs, NULL, NULL, ys, &last, tape, there);
  const real ended = tagger_loss(&run, ys, targets, NULL, dys, compare);
  printf("%s\n", tagger_made());
  printf("gradient %s\n", worst < 1e-8 ? "right" : "wrong");
  printf("loss %s\n", begun > 1 && ended < 0.5 * begun ? "falls" : "does not fall");
  return 0;
}
