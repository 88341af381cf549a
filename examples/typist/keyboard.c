/*
 * Writes on, from where somebody stopped typing, one character at a time.
 *
 *     keyboard "the with statement "            writes on for 300 characters
 *     keyboard --scores "the with statement "   what it makes of each character, as numbers
 *
 * The cell is typist.h and typist.c, as `derive generate examples/typist/typist.py --backend c`
 * writes them; what it has learnt is weights.h, as train.py writes it. All memory is static: this
 * would run on the keyboard.
 */

#include "typist.h"
#include "weights.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH = 300, ENOUGH = 400000 }; /* characters to write; numbers of memory */
static const float BOLDNESS = 0.5F;      /* 0 takes the likeliest character each time */

static typist_real memory[ENOUGH], h[UNITS], y[UNITS], x[CHARACTERS], scores[CHARACTERS];
static const typist_run ONE = {
    .sizes = {.input_size = CHARACTERS, .hidden_size = UNITS}, .steps = 1, .sequences = 1};
static const typist_state_out STATE = {.h = h};
static typist_real *prepared, *work;

/* Lay the matrices out as the processor reads them fastest; 0 where memory does not do for it. */
static int begin(void) {
  const size_t size = typist_prepared_size(&ONE.sizes);
  if (size + typist_step_work(&ONE) > ENOUGH) {
    return 0;
  }
  prepared = memory;
  work = memory + size;
  typist_prepare(&ONE.sizes, CELL, prepared);
  typist_start(&ONE, &STATE);
  return 1;
}

/* One character further: a score for each that may come next. */
static void read(char character) {
  const char *const place = strchr(ALPHABET, character);
  memset(x, 0, sizeof x);
  x[place && character ? place - ALPHABET : 0] = 1; /* a blank for what it has never seen */
  typist_step(&ONE, CELL, prepared, x, &STATE, y, work);
  for (size_t c = 0; c < CHARACTERS; c++) {
    scores[c] = BIAS[c];
    for (size_t n = 0; n < UNITS; n++) {
      scores[c] += WEIGHT[c * UNITS + n] * y[n];
    }
  }
}

/* A number in [0, 1): Marsaglia's xorshift. */
static float uniform(void) {
  static uint32_t state = 2463534242U;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return (float)(state >> 8) / 16777216;
}

/* A character, by their scores: with Gumbel's noise the largest is drawn as softmax says. */
static char drawn(void) {
  size_t best = 0;
  float most = -INFINITY;
  for (size_t c = 0; c < CHARACTERS; c++) {
    const float value = scores[c] - BOLDNESS * logf(-logf(uniform() + 1e-9F));
    if (value > most) {
      most = value;
      best = c;
    }
  }
  return ALPHABET[best];
}

int main(int count, char **arguments) {
  const int is_silent = count > 1 && !strcmp(arguments[1], "--scores");
  if (count != 2 + is_silent || !begin()) {
    fprintf(stderr, "usage: keyboard [--scores] TEXT\n");
    return 1;
  }
  for (const char *typed = arguments[1 + is_silent]; *typed; typed++) {
    read(*typed);
    for (size_t c = 0; is_silent && c < CHARACTERS; c++) {
      printf("%.9g%c", (double)scores[c], c + 1 < CHARACTERS ? ' ' : '\n');
    }
  }
  if (is_silent) {
    return 0;
  }
  printf("%s|", arguments[1]);
  for (int n = 0; n < LENGTH; n++) {
    const char character = drawn();
    putchar(character);
    read(character);
  }
  putchar('\n');
  return 0;
}
