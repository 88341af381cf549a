/*
 * Which movement is it? A GRU learns, on the device, to tell four movements apart by what an
 * accelerometer reads, and then says after every reading which one it is.
 *
 * All of it is C99: the cell is gru.h and gru.c, which `derive generate gru --backend c` writes,
 * and the rest is this file. Nothing is allocated: all memory is static. `make example-c` writes
 * the cell, compiles both files and runs the program.
 *
 * There is no accelerometer here; `measure` stands for it, with a formula for each movement: 25
 * readings a second of three axes, in g, with a speed, a strength and a phase of their own each
 * time, and noise. The network never sees two seconds twice: it learns from those it has just seen,
 * by one step of plain gradient descent, and forgets them.
 */

#include "gru.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum {
  STEPS = 50,     /* readings that are learnt from together: two seconds */
  AXES = 3,       /* of the accelerometer */
  UNITS = 8,      /* of the network */
  MOVEMENTS = 4,  /* to tell apart */
  ROUNDS = 3000,  /* steps of gradient descent */
  TESTED = 20000, /* readings on which it is tried afterwards */
  MEMORY = 8000   /* numbers; the program says how many it takes */
};

static const char *const NAMES[MOVEMENTS] = {"still", "walking", "shaking", "turning"};
static const float RATE = 0.3F;

/* ---- memory ---------------------------------------------------------------------------------- */

static gru_real memory[MEMORY];
static size_t used;

/* Memory for so many numbers; NULL where there is not enough left. */
static gru_real *numbers(size_t count) {
  if (count > MEMORY - used) {
    return NULL;
  }
  used += count;
  return memory + used - count;
}

/* ---- the sensor ------------------------------------------------------------------------------ */

static uint32_t noise = 2463534242U;

/* A random number, uniform in [0, 1): Marsaglia's xorshift. */
static gru_real uniform(void *source) {
  uint32_t *state = source;
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return (gru_real)(*state >> 8) / 16777216;
}

static float between(float low, float high) { return low + (high - low) * (float)uniform(&noise); }

/* A movement, as it is made this time. */
typedef struct {
  int kind;
  float phase, speed, strength; /* in turns, in turns a reading, in g */
} movement;

static movement any_movement(void) {
  static const float slowest[MOVEMENTS] = {0, 0.06F, 0.16F, 0.01F};
  static const float fastest[MOVEMENTS] = {0, 0.10F, 0.26F, 0.03F};
  movement m;
  m.kind = (int)(uniform(&noise) * MOVEMENTS);
  m.phase = between(0, 1);
  m.speed = between(slowest[m.kind], fastest[m.kind]);
  m.strength = between(0.6F, 1.2F);
  return m;
}

/* One reading: gravity, what the movement adds to it, and noise. */
static void measure(movement *m, gru_real *reading) {
  const float angle = 6.2831853F * m->phase, strength = m->strength;
  m->phase += m->speed;
  reading[0] = reading[1] = 0;
  reading[2] = 1;
  switch (m->kind) {
    case 1: /* walking: up and down at every step, to and fro at every other */
      reading[0] += 0.3F * strength * sinf(angle / 2);
      reading[2] += 0.4F * strength * sinf(angle);
      break;
    case 2: /* shaking: fast, along one axis */
      reading[1] += strength * sinf(angle);
      break;
    case 3: /* turning: gravity goes round */
      reading[0] += sinf(angle);
      reading[2] += cosf(angle) - 1;
      break;
    default: /* still */
      break;
  }
  for (int axis = 0; axis < AXES; axis++) {
    reading[axis] += between(-0.1F, 0.1F);
  }
}

/* Two seconds of readings, with one change of movement somewhere; and what movement each is of. */
static void record(gru_real *readings, int *kinds) {
  movement m = any_movement();
  const int change = (int)between(0, STEPS);
  for (int t = 0; t < STEPS; t++) {
    if (t == change) {
      m = any_movement();
    }
    measure(&m, readings + t * AXES);
    kinds[t] = m.kind;
  }
}

/* ---- the network ----------------------------------------------------------------------------- */

/* One sequence of two seconds, for learning; one reading, afterwards. */
static const gru_run LEARNING = {
    .sizes = {.input_size = AXES, .hidden_size = UNITS}, .steps = STEPS, .sequences = 1};
static const gru_run STREAMING = {
    .sizes = {.input_size = AXES, .hidden_size = UNITS}, .steps = 1, .sequences = 1};

/* What it has learnt: the cell's parameters and, behind them, V and c of the scores V h + c, which
 * start at 0. */
static size_t cell_count, count;
static gru_real *params, *gradient;

static gru_real readings[STEPS * AXES], outputs[STEPS * UNITS];
static gru_real by_readings[STEPS * AXES], by_outputs[STEPS * UNITS];
static gru_real last[UNITS], by_first[UNITS];
static int kinds[STEPS];
static gru_tape tape;
static gru_real *work;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Give everything its memory, and parameters their first values. Returns whether there is enough. */
static int begin(void) {
  cell_count = gru_parameters(&LEARNING.sizes).count;
  count = cell_count + MOVEMENTS * UNITS + MOVEMENTS;
  params = numbers(count);
  gradient = numbers(count);
  gru_real *const kept = numbers(gru_tape_in(&LEARNING, NULL, &tape));
  work = numbers(larger(gru_forward_work(&LEARNING), gru_backward_work(&LEARNING)));
  if (!params || !gradient || !kept || !work) {
    return 0;
  }
  gru_tape_in(&LEARNING, kept, &tape);
  uint32_t seed = 88172645U;
  gru_init(&LEARNING.sizes, params, uniform, &seed);
  return 1;
}

/* How likely each movement is: softmax(V h + c). Entries of h are below 1, so scores are small. */
static void likelihoods(const gru_real *h, gru_real *chances) {
  const gru_real *const V = params + cell_count, *const c = V + MOVEMENTS * UNITS;
  gru_real sum = 0;
  for (int k = 0; k < MOVEMENTS; k++) {
    gru_real score = c[k];
    for (int n = 0; n < UNITS; n++) {
      score += V[k * UNITS + n] * h[n];
    }
    chances[k] = expf(score);
    sum += chances[k];
  }
  for (int k = 0; k < MOVEMENTS; k++) {
    chances[k] /= sum;
  }
}

/* The mean of -log(likelihood of what it was), and its gradient by all parameters. */
static gru_real loss_and_gradient(void) {
  const gru_state_out last_state = {last}, by_first_state = {by_first};
  gru_forward(&LEARNING, params, readings, NULL, outputs, &last_state, &tape, work);

  const gru_real *const V = params + cell_count;
  gru_real *const by_V = gradient + cell_count, *const by_c = by_V + MOVEMENTS * UNITS;
  gru_real loss = 0;
  for (size_t n = cell_count; n < count; n++) {
    gradient[n] = 0;
  }
  for (int t = 0; t < STEPS; t++) {
    const gru_real *const h = outputs + t * UNITS;
    gru_real *const by_h = by_outputs + t * UNITS;
    gru_real chances[MOVEMENTS];
    likelihoods(h, chances);
    loss -= logf(chances[kinds[t]]) / STEPS;
    for (int n = 0; n < UNITS; n++) {
      by_h[n] = 0;
    }
    for (int k = 0; k < MOVEMENTS; k++) {
      const gru_real by_score = (chances[k] - (gru_real)(k == kinds[t])) / STEPS;
      by_c[k] += by_score;
      for (int n = 0; n < UNITS; n++) {
        by_V[k * UNITS + n] += by_score * h[n];
        by_h[n] += by_score * V[k * UNITS + n];
      }
    }
  }
  gru_backward(&LEARNING, params, readings, &tape, by_outputs, NULL, gradient, by_readings,
               &by_first_state, work);
  return loss;
}

/* ---- what it does ---------------------------------------------------------------------------- */

static void learn(void) {
  gru_real mean = 0;
  for (int n = 1; n <= ROUNDS; n++) {
    record(readings, kinds);
    mean += loss_and_gradient() / (ROUNDS / 10);
    for (size_t k = 0; k < count; k++) {
      params[k] -= RATE * gradient[k];
    }
    if (n % (ROUNDS / 10) == 0) {
      printf("after %4d recordings of two seconds: loss %.3f\n", n, (double)mean);
      mean = 0;
    }
  }
}

/* Say after each reading which movement it is. The memory that learning took is free again. */
static int stream(void) {
  used = count;
  gru_real *const prepared = numbers(gru_prepared_size(&STREAMING.sizes));
  gru_real *const little_work = numbers(gru_step_work(&STREAMING));
  if (!prepared || !little_work) {
    return 0;
  }
  gru_prepare(&STREAMING.sizes, params, prepared);
  gru_real h[UNITS], reading[AXES], y[UNITS], chances[MOVEMENTS];
  const gru_state_out state = {h};
  gru_start(&STREAMING, &state);

  movement m = any_movement();
  int right = 0, shown = 0, said = -1;
  for (int t = 0; t < TESTED; t++) {
    if (uniform(&noise) < (gru_real)0.01) { /* every four seconds or so */
      m = any_movement();
    }
    measure(&m, reading);
    gru_step(&STREAMING, params, prepared, reading, &state, y, little_work);
    likelihoods(y, chances);
    int likely = 0;
    for (int k = 1; k < MOVEMENTS; k++) {
      likely = chances[k] > chances[likely] ? k : likely;
    }
    right += likely == m.kind;
    if (likely != said && shown < 12) {
      printf("%6.2f s: %-8s %3.0f %%   (it is %s)\n", t / 25.0, NAMES[likely],
             100 * (double)chances[likely], NAMES[m.kind]);
      said = likely;
      shown++;
    }
  }
  printf("right after %.1f %% of %d readings\n", 100.0 * right / TESTED, TESTED);
  return 1;
}

int main(void) {
  if (!begin()) {
    printf("memory is too small: make MEMORY larger\n");
    return 1;
  }
  const size_t fixed = sizeof readings + sizeof outputs + sizeof by_readings + sizeof by_outputs +
                       sizeof last + sizeof by_first + sizeof kinds;
  printf("%lu parameters; learning takes %lu bytes\n", (unsigned long)count,
         (unsigned long)(used * sizeof *memory + fixed));
  learn();
  if (!stream()) {
    return 1;
  }
  printf("streaming takes %lu bytes\n", (unsigned long)(used * sizeof *memory));
  return 0;
}
